#![no_main]
//! Keys: any definition of an index over any values; and any bytes as a stored key.

use std::convert::Infallible;

use ese_format::column::{ColumnId, ColumnType};
use ese_format::key::{
    Condition, KeyBuilder, KeyColumn, KeyDefinition, KeyDescription, KeySource, Request, Segment,
    Skeleton, Tuples,
};
use libfuzzer_sys::fuzz_target;

/// Values of each column, cut out of the input.
struct Values<'a>(Vec<Vec<&'a [u8]>>);

impl KeySource for Values<'_> {
    type Error = Infallible;

    fn value<'v>(
        &'v mut self,
        column: &KeyColumn,
        request: Request,
        _: &'v mut Vec<u8>,
    ) -> Result<Option<&'v [u8]>, Infallible> {
        let number = request.number as usize - 1;
        Ok(self.0.get(column.slot).and_then(|values| values.get(number)).copied())
    }
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    fn word(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    fn bytes(&mut self, len: usize) -> &'a [u8] {
        let (bytes, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        bytes
    }
}

fn column(input: &mut Input<'_>, slot: usize) -> KeyColumn {
    let ty = ColumnType::ALL[usize::from(input.byte()) % ColumnType::ALL.len()];
    let fid = [1, 128, 256][usize::from(input.byte()) % 3] + u16::try_from(slot).expect("few");
    let code_page = if input.byte() & 1 == 0 { 1252 } else { 1200 };
    let multi_valued = fid >= 256 && input.byte() & 1 == 1;
    let size = u16::from(input.byte());
    KeyColumn { id: ColumnId::own(fid), ty, code_page, size, multi_valued, slot }
}

fn description(input: &mut Input<'_>) -> KeyDescription {
    let count = usize::from(input.byte() % 5);
    let segments = (0..count).map(|slot| {
        let column = column(input, slot);
        Segment { column, descending: input.byte() & 1 == 1 }
    });
    let segments = segments.collect();
    let conditions = (0..usize::from(input.byte() % 3))
        .map(|slot| Condition { column: column(input, slot), must_be_null: input.byte() & 1 == 1 })
        .collect();
    let mut optional = |on: bool| on.then(|| input.word());
    let (key_most, var_seg_mac) = (optional(count & 1 == 1), optional(count & 2 == 2));
    let tuples = (input.byte() & 3 == 3).then(|| Tuples {
        shortest: u32::from(input.byte()),
        longest: u32::from(input.byte()),
        count: u32::from(input.word()),
        step: u32::from(input.word()),
        start: u32::from(input.word()),
    });
    let flags = u32::from(input.word()) | u32::from(input.byte()) << 16;
    let lcmap_flags = u32::from(input.word());
    KeyDescription {
        flags,
        segments,
        conditions,
        key_most,
        var_seg_mac,
        tuples,
        lcmap_flags,
        collation: None,
    }
}

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let Ok(definition) = KeyDefinition::new(description(&mut input)) else { return };
    let mut values = Values(Vec::new());
    for segment in definition.segments() {
        let count = input.byte() % 5;
        let column = (0..count).map(|_| {
            let len = segment.column.ty.fixed_len();
            let len = len.unwrap_or(usize::from(input.word()) % 600);
            input.bytes(len)
        });
        values.0.push(column.collect());
    }
    let mut builder = KeyBuilder::new();
    let mut scratch = Vec::new();
    let _ = builder.for_each_key(&definition, &mut values, |key| {
        if let Some(exact) = key.exact() {
            assert!(exact.len() <= definition.key_most());
            assert!(key.matches(exact), "a key is itself");
            if let Skeleton::Whole(skeleton) = definition.skeleton(exact, &mut scratch) {
                assert_eq!(skeleton, key.skeleton(), "both sides agree");
            }
        }
        assert!(key.unknown_texts().count() <= definition.segments().len());
    });
    // What is left is a stored key.
    let stored = input.0;
    let _ = definition.skeleton(stored, &mut scratch);
    let _ = definition.sort_keys(stored).count();
    let _ = builder.for_each_key(&definition, &mut values, |key| {
        let _ = key.matches(stored);
    });
});
