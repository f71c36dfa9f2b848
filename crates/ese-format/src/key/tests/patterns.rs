//! Keys with unknown sort keys, and stored keys beside them.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use core::fmt::Debug;

use proptest::prelude::*;

use super::*;

const DORNE: &str = "7f 0e1a 0e7c 0e8a 0e70 0e21 01 01 01 01 00";

fn fits(definition: &KeyDefinition, values: &[Option<&[u8]>], stored: &[u8]) -> bool {
    let mut fits = false;
    let mut record = Values::single(values);
    let each = |key: Key<'_>| fits |= key.matches(stored);
    KeyBuilder::new().for_each_key(definition, &mut record, each).unwrap();
    fits
}

fn name() -> KeyColumn {
    unicode(variable(ColumnType::Text))
}

#[test]
fn sort_key_of_windows_fits_and_has_the_same_skeleton() {
    let dorne = utf16("Dorne");
    let (long, values) = (fixed(ColumnType::Long), [Some(&dorne[..]), Some(&[207, 0, 0, 0][..])]);
    let definition = all().asc(name()).asc(long).define();
    assert!(!definition.is_exact() && definition.has_unicode());
    let stored = hex(&[DORNE, "7f800000cf"].concat());
    assert!(fits(&definition, &values, &stored));
    let mut scratch = Vec::new();
    let expected = hex("7f 7f800000cf");
    assert_eq!(definition.skeleton(&stored, &mut scratch), Skeleton::Whole(&expected));
    assert_eq!(skeletons(&definition, &Values::single(&values)), [expected]);
    for wrong in [
        "7f 0e1a 00 7f800000ce",
        "7f 0e1a 00 7f800000cf 00",
        "7f 0e1a 00 7f8000",
        "7f 0e1a 01 01",
        "40 7f800000cf",
        "",
    ] {
        assert!(!fits(&definition, &values, &hex(wrong)), "{wrong}");
    }
}

#[test]
fn descending_sort_key_is_complemented() {
    let definition = all().asc(fixed(ColumnType::Bit)).desc(name()).define();
    let dorne = utf16("Dorne");
    let mut stored = hex(DORNE);
    stored.iter_mut().for_each(|byte| *byte = !*byte);
    stored.splice(0..0, [0x7F, 0xFF]);
    let values = [Some(&[1_u8][..]), Some(&dorne[..])];
    assert!(fits(&definition, &values, &stored));
    let (mut scratch, expected) = (Vec::new(), hex("7fff 80"));
    assert_eq!(definition.skeleton(&stored, &mut scratch), Skeleton::Whole(&expected));
    assert_eq!(skeletons(&definition, &Values::single(&values)), [expected]);
    assert_eq!(skeletons(&definition, &Values::single(&[None, None])), [hex("00ff")]);
    assert_eq!(skeletons(&definition, &Values::single(&[None, Some(b"")])), [hex("00bf")]);
}

#[test]
fn key_as_long_as_possible_may_be_cut_anywhere() {
    let long = fixed(ColumnType::Long);
    let definition = KeyDescription { key_most: Some(10), ..all() };
    let definition = definition.asc(name()).asc(long).define();
    let (text, mut scratch) = (utf16("Dorne"), Vec::new());
    let values = [Some(&text[..]), Some(&[207, 0, 0, 0][..])];
    for stored in ["7f 111111111111111111", "7f 1111111111 00 7f8000", "7f 11 00 7f800000cf0000"] {
        let stored = hex(stored);
        assert_eq!(definition.skeleton(&stored, &mut scratch), Skeleton::Cut);
        assert_eq!(fits(&definition, &values, &stored), stored[2] != 0, "{stored:02x?}");
    }
    assert!(!fits(&definition, &values, &hex("7f 1111111111 00 7f8001")));
    let longer = hex("7f 11111111111111111111");
    assert!(!fits(&definition, &values, &longer));
    assert_eq!(definition.skeleton(&longer, &mut scratch), Skeleton::Malformed);
}

#[test]
fn limit_of_a_segment_ends_a_sort_key() {
    let definition = KeyDescription { var_seg_mac: Some(6), ..all() };
    let definition = definition.asc(name()).asc(fixed(ColumnType::Bit)).define();
    let (text, mut scratch) = (utf16("Dorne"), Vec::new());
    let values = [Some(&text[..]), Some(&[1_u8][..])];
    let stored = hex("7f 1111111111 7fff");
    assert!(fits(&definition, &values, &stored));
    assert_eq!(definition.skeleton(&stored, &mut scratch), Skeleton::Whole(&hex("7f7fff")));
    assert!(!fits(&definition, &values, &hex("7f 111111111111 7fff")));
}

#[test]
fn text_behind_a_sort_key_is_cut_with_its_odd_last_byte() {
    let definition = KeyDescription { key_most: Some(10), ..all() };
    let definition = definition.asc(name()).desc(variable(ColumnType::Text)).define();
    let text = utf16("x");
    let values = [Some(&text[..]), Some(&b"ab Cd"[..])];
    let stored = |text: &[u8]| {
        let text = text.iter().map(|byte| !byte);
        hex("7f 1111 0101 00").into_iter().chain(text).collect::<Vec<u8>>()
    };
    assert!(fits(&definition, &values, &stored(b"\x7FAB\0")));
    assert!(!fits(&definition, &values, &stored(b"\x7FAB ")));
    assert!(!fits(&definition, &values, &stored(b"\x7FBB\0")));
    let short = [0x7F, 0x11, 0, !0x7F, !b'A', !b'B', !b' ', !b'C', !b'D', !0];
    assert!(fits(&definition, &values, &short), "as long as the key, but whole");
}

#[test]
fn mapping_to_upper_case_is_checked_where_it_is_plain() {
    let definition = KeyDescription { lcmap_flags: 0x200, ..all() };
    let definition = definition.asc(name()).asc(fixed(ColumnType::Bit)).define();
    let (text, mut scratch) = (utf16("a\u{e9}Z"), Vec::new());
    let values = [Some(&text[..]), Some(&[0_u8][..])];
    let stored = hex("7f 0041 00c9 005a 0000 7f00");
    assert!(fits(&definition, &values, &stored));
    assert_eq!(definition.skeleton(&stored, &mut scratch), Skeleton::Whole(&hex("7f 7f00")));
    assert!(!fits(&definition, &values, &hex("7f 0061 00c9 005a 0000 7f00")));
    assert!(!fits(&definition, &values, &hex("7f 0041 00c9 0000 7f00")));
}

#[test]
fn texts_that_differ_in_case_are_one_where_the_index_ignores_it() {
    let record = [utf16("Bravo"), utf16("BRAVO"), utf16("bravo "), utf16("Bravo")];
    let record: Vec<&[u8]> = record.iter().map(Vec::as_slice).collect();
    for (lcmap_flags, count) in [(0x30401, 2), (0x400, 3)] {
        let description = KeyDescription { flags: 0x104CE, lcmap_flags, ..all() };
        let definition = description.asc(unicode(tagged(ColumnType::LongText))).define();
        let found = skeletons(&definition, &Values::several(&[&record]));
        assert_eq!(found, vec![hex("7f"); count]);
    }
}

#[test]
fn equal_text_behind_a_sort_key_is_one() {
    let description = KeyDescription { flags: 0x120CE, ..all() };
    let definition = description.asc(name()).asc(tagged(ColumnType::LongText)).define();
    let text = utf16("x");
    let record = Values::several(&[&[&text], &[b"ab", b"AB", b"b"]]);
    let expected = [hex("7f 7f414200"), hex("7f 7f4200")];
    assert_eq!(skeletons(&definition, &record), expected);
}

/// Each unit doubled, big-endian, with a 00 behind; knows ASCII only.
#[derive(Debug)]
struct Ascii;

impl Collation for Ascii {
    fn sort_key(&self, text: &[u16], out: &mut Vec<u8>) -> bool {
        out.extend(text.iter().map(|unit| unit.to_le_bytes()[0].wrapping_mul(2) | 1).chain([0]));
        text.iter().all(|unit| *unit < 0x80)
    }
}

#[test]
fn collation_makes_keys_exact() {
    let collation: Option<Arc<dyn Collation>> = Some(Arc::new(Ascii));
    let description = KeyDescription { collation, key_most: Some(8), ..all() };
    let definition = description.asc(name()).asc(fixed(ColumnType::Bit)).define();
    assert!(definition.is_exact());
    let key = |text: &str| {
        let text = utf16(text);
        key(&definition, &[Some(&text), Some(&[1])])
    };
    assert_eq!(key("AB"), hex("7f838500 7fff"));
    assert_eq!(key("ABCDE"), hex("7f83858789 8b00 7f"));
    assert_eq!(key("ABCDEFGH"), hex("7f83858789 8b8d8f"));
    let text = utf16("A\u{e9}");
    let found = skeletons(&definition, &Values::single(&[Some(&text), Some(&[1])]));
    assert_eq!(found, [hex("7f 7fff")], "a text it does not know");
}

fn any_type() -> impl Strategy<Value = ColumnType> {
    prop::sample::select(ColumnType::ALL.to_vec())
}

fn any_column() -> impl Strategy<Value = KeyColumn> {
    let class = prop::sample::select(vec![1_u16, 128, 256]);
    (any_type(), class, any::<bool>(), any::<bool>(), 0..20_u16).prop_map(
        |(ty, fid, unicode, multi_valued, size)| KeyColumn {
            code_page: if unicode { UNICODE } else { 1252 },
            multi_valued,
            size,
            ..KeyColumn::new(ColumnId::own(fid), ty)
        },
    )
}

fn any_description() -> impl Strategy<Value = KeyDescription> {
    let limits = (prop::option::of(1..300_u16), prop::option::of(1..300_u16));
    let tuples = (1..4_u32, 3..9_u32, 1..9_u32, 1..3_u32, 0..3_u32).prop_map(
        |(shortest, longest, count, step, start)| Tuples { shortest, longest, count, step, start },
    );
    let columns = prop::collection::vec((any_column(), any::<bool>()), 1..5);
    (any::<u32>(), columns, limits, prop::option::of(tuples), any::<u32>()).prop_map(
        |(flags, columns, (key_most, var_seg_mac), tuples, lcmap_flags)| {
            let description = KeyDescription {
                flags,
                key_most,
                var_seg_mac,
                tuples,
                lcmap_flags,
                ..KeyDescription::default()
            };
            columns.into_iter().fold(description, |description, (column, descending)| {
                description.column(column, descending)
            })
        },
    )
}

/// Values that mostly have the length of their types.
fn fitting(definition: &KeyDefinition, bytes: &[Vec<Vec<u8>>], exactly: bool) -> Values {
    let columns = definition.segments().iter().zip(bytes).map(|(segment, values)| {
        let len = segment.column.ty.fixed_len().filter(|_| exactly);
        let values = values.iter().map(|value| match len {
            Some(len) => value.iter().copied().cycle().take(len).chain([0; 16]).take(len).collect(),
            None => value.clone(),
        });
        values.collect()
    });
    Values(columns.collect())
}

fn any_values() -> impl Strategy<Value = Vec<Vec<Vec<u8>>>> {
    let value = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        prop::collection::vec(any::<u8>(), 200..400),
        "[a-z]{0,9}".prop_map(|text: String| utf16(&text)),
    ];
    prop::collection::vec(prop::collection::vec(value, 0..4), 4)
}

proptest! {
    #[test]
    fn no_input_panics_and_no_key_is_too_long(
        description in any_description(),
        values in any_values(),
        exactly in prop::bool::weighted(0.9),
        stored in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let Ok(definition) = KeyDefinition::new(description) else { return Ok(()) };
        let mut record = fitting(&definition, &values, exactly);
        let mut lengths = Vec::new();
        let each = |key: Key<'_>| {
            if let Some(exact) = key.exact() {
                lengths.push(exact.len());
            }
            key.matches(&stored);
            assert!(key.exact().is_none_or(|exact| key.matches(exact)));
        };
        let outcome = KeyBuilder::new().for_each_key(&definition, &mut record, each);
        prop_assert!(outcome.is_ok() || !exactly);
        prop_assert!(lengths.iter().all(|len| (1..=definition.key_most()).contains(len)));
        definition.skeleton(&stored, &mut Vec::new());
    }

    /// A stored key is made with a collation, the pattern without it; unless the stored key is
    /// cut, they have equal skeletons.
    #[test]
    fn stored_keys_fit_their_patterns(description in any_description(), values in any_values()) {
        let description = KeyDescription { lcmap_flags: 0x401, ..description };
        let collation: Option<Arc<dyn Collation>> = Some(Arc::new(AnyText));
        let known = KeyDescription { collation, ..description.clone() };
        let Ok(definition) = KeyDefinition::new(description) else { return Ok(()) };
        let known = KeyDefinition::new(known).unwrap();
        let record = fitting_sizes(&definition, fitting(&definition, &values, true));
        let mut stored = Vec::new();
        let each = |key: Key<'_>| stored.extend(key.exact().map(<[u8]>::to_vec));
        KeyBuilder::new().for_each_key(&known, &mut record.clone(), each).unwrap();
        let (mut fit, mut scratch) = (vec![false; stored.len()], Vec::new());
        let mut skeletons = Vec::new();
        let each = |key: Key<'_>| {
            for (fit, stored) in fit.iter_mut().zip(&stored) {
                *fit |= key.matches(stored);
            }
            skeletons.push(key.skeleton().to_vec());
        };
        KeyBuilder::new().for_each_key(&definition, &mut record.clone(), each).unwrap();
        prop_assert!(fit.iter().all(|fit| *fit), "{:02x?}", stored);
        for stored in &stored {
            match definition.skeleton(stored, &mut scratch) {
                Skeleton::Whole(skeleton) => {
                    prop_assert!(skeletons.iter().any(|s| s == skeleton), "{:02x?}", stored);
                }
                Skeleton::Cut => {
                    let first = definition.segments()[0].column;
                    let pieces = definition.tuples.is_some() && first.is_binary_of_fixed_part();
                    prop_assert!(pieces || stored.len() == definition.key_most());
                }
                Skeleton::Malformed => prop_assert!(false, "{:02x?}", stored),
            }
        }
    }
}

/// Gives no more of a value than was asked for.
struct Frugal(Values);

impl KeySource for Frugal {
    type Error = Infallible;

    fn value<'v>(
        &'v mut self,
        column: &KeyColumn,
        request: Request,
        scratch: &'v mut Vec<u8>,
    ) -> Result<Option<&'v [u8]>, Infallible> {
        assert!(scratch.is_empty());
        let value = self.0.value(column, request, scratch)?;
        Ok(value.map(|value| value.get(..request.limit).unwrap_or(value)))
    }
}

proptest! {
    #[test]
    fn no_more_of_a_value_matters_than_is_asked_for(
        description in any_description(),
        values in any_values(),
    ) {
        let collation: Option<Arc<dyn Collation>> = Some(Arc::new(AnyText));
        let description = KeyDescription { collation, ..description };
        let Ok(definition) = KeyDefinition::new(description) else { return Ok(()) };
        let record = fitting(&definition, &values, true);
        let mut builder = KeyBuilder::new();
        let mut frugal = Vec::new();
        let each = |key: Key<'_>| frugal.push(key.skeleton().to_vec());
        builder.for_each_key(&definition, &mut Frugal(record.clone()), each).unwrap();
        frugal.sort();
        prop_assert_eq!(frugal, skeletons(&definition, &record));
    }
}

/// Something like a sort key for any text.
#[derive(Debug)]
struct AnyText;

impl Collation for AnyText {
    fn sort_key(&self, text: &[u16], out: &mut Vec<u8>) -> bool {
        out.extend(text.iter().flat_map(|unit| unit.to_be_bytes()).map(|byte| byte.max(2)));
        out.extend([1, 1, 1, 1, 0]);
        true
    }
}

/// Binary values of the fixed part have the size of their column.
fn fitting_sizes(definition: &KeyDefinition, mut record: Values) -> Values {
    for (segment, values) in definition.segments().iter().zip(&mut record.0) {
        if segment.column.ty.is_binary() && segment.column.id.fid < 128 {
            let size = usize::from(segment.column.size);
            values.iter_mut().for_each(|value| value.resize(size, 7));
        }
    }
    record
}
