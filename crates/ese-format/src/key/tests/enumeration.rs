//! Which keys a record has: rules for NULL, conditions, several values, pieces.

use alloc::format;
use alloc::string::ToString;
use alloc::vec;

use super::*;
use crate::key::MAX_KEYS;

const LONG_1: &[u8] = &[1, 0, 0, 0];
const LONG_2: &[u8] = &[2, 0, 0, 0];

fn flags(flags: u32) -> KeyDescription {
    KeyDescription { flags, ..KeyDescription::default() }
}

#[test]
fn rules_for_null_drop_keys() {
    let long = fixed(ColumnType::Long);
    let records = [
        Values::single(&[None, None]),
        Values::single(&[None, Some(LONG_1)]),
        Values::single(&[Some(LONG_1), None]),
        Values::single(&[Some(LONG_1), Some(LONG_1)]),
    ];
    for (rules, kept) in [
        (0x0, [false, false, false, true]),
        (0x2, [true, false, false, true]),
        (0x4, [false, true, false, true]),
        (0x8, [false, false, true, true]),
        (0xE, [true, true, true, true]),
        (0x10, [false, false, false, true]),
    ] {
        let definition = flags(rules).asc(long).asc(long).define();
        let found = records.each_ref().map(|record| !keys(&definition, record).is_empty());
        assert_eq!(found, kept, "{rules:x}");
        let needs = !found[0] && !found[1];
        assert_eq!(definition.needs_first_value(), needs, "{rules:x}");
    }
}

#[test]
fn conditions_decide_whether_there_are_keys() {
    let long = fixed(ColumnType::Long);
    let with = |must_be_null| {
        let column = KeyColumn { slot: 1, ..tagged(ColumnType::LongText) };
        let conditions = vec![Condition { column, must_be_null }];
        KeyDescription { conditions, ..all() }.asc(long).define()
    };
    let (null, value) = (Values::single(&[None]), Values::single(&[None, Some(b"")]));
    assert_eq!(keys(&with(true), &null), [hex("00")]);
    assert_eq!(keys(&with(false), &value), [hex("00")]);
    assert!(keys(&with(true), &value).is_empty());
    assert!(keys(&with(false), &null).is_empty());
}

#[test]
fn only_the_first_multi_valued_column_is_expanded() {
    let description = flags(0x100CE).asc(fixed(ColumnType::Bit)).desc(tagged(ColumnType::Long));
    let definition = description.asc(tagged(ColumnType::Short)).define();
    let record = Values::several(&[&[&[0]], &[LONG_1, LONG_2, LONG_1], &[&[5, 0], &[6, 0]]]);
    let expected = [hex("7f00 807ffffffd 7f8005"), hex("7f00 807ffffffe 7f8005")];
    assert_eq!(keys(&definition, &record), expected, "equal keys once");
    let none = Values::several(&[&[&[0]], &[], &[]]);
    assert_eq!(keys(&definition, &none), [hex("7f00 ff 00")]);
}

#[test]
fn without_the_flag_only_first_values_count() {
    let definition = flags(0xE).asc(tagged(ColumnType::Long)).define();
    let record = Values::several(&[&[LONG_1, LONG_2]]);
    assert_eq!(keys(&definition, &record), [hex("7f80000001")]);
}

#[test]
fn cross_product_takes_every_combination() {
    let description = flags(0x120CE).asc(tagged(ColumnType::Long));
    let definition = description.asc(tagged(ColumnType::Short)).define();
    let record = Values::several(&[&[LONG_1, LONG_2], &[&[5, 0], &[6, 0], &[7, 0]]]);
    let found = keys(&definition, &record);
    assert_eq!(found.len(), 6);
    assert_eq!((&found[0], &found[5]), (&hex("7f80000001 7f8005"), &hex("7f80000002 7f8007")));
    let record = Values::several(&[&[LONG_1, LONG_2], &[]]);
    assert_eq!(keys(&definition, &record), [hex("7f8000000100"), hex("7f8000000200")]);
    assert_eq!(keys(&definition, &Values::several(&[&[], &[]])), [hex("0000")]);
    let record = Values::several(&[&[], &[&[5, 0], &[6, 0]]]);
    assert_eq!(keys(&definition, &record), [hex("007f8005"), hex("007f8006")]);
}

#[test]
fn nested_columns_go_together() {
    let description = flags(0x180CE).asc(tagged(ColumnType::LongLong));
    let definition = description.asc(tagged(ColumnType::Short)).define();
    let long = |n: i64| n.to_le_bytes();
    let (a, b, c) = (long(-18380), long(-49130), long(43150));
    let record = Values::several(&[&[&a, &b, &c], &[&[1, 0]]]);
    let expected = [
        hex("7f7fffffffffff4016 00"),
        hex("7f7fffffffffffb834 7f8001"),
        hex("7f800000000000a88e 00"),
    ];
    assert_eq!(keys(&definition, &record), expected);
    let record = Values::several(&[&[&a], &[&[1, 0], &[2, 0]]]);
    assert_eq!(keys(&definition, &record), [hex("00 7f8002"), hex("7f7fffffffffffb834 7f8001")]);
    assert_eq!(keys(&definition, &Values::several(&[&[], &[]])), [hex("0000")]);
}

#[test]
fn nested_index_with_a_single_valued_column_ends() {
    let description = flags(0x180CE).asc(fixed(ColumnType::Bit)).asc(tagged(ColumnType::Long));
    let record = Values::several(&[&[&[1]], &[LONG_1, LONG_2]]);
    let expected = [hex("7fff7f80000001"), hex("7fff7f80000002")];
    assert_eq!(keys(&description.define(), &record), expected);
}

#[test]
fn each_value_of_a_tuple_index_has_its_own_pieces() {
    let tuples = Some(Tuples { shortest: 2, longest: 3, count: 2, step: 2, start: 1 });
    let description = KeyDescription { tuples, ..flags(0x100CE) };
    let definition = description.asc(tagged(ColumnType::LongText)).define();
    let record = Values::several(&[&[b"abcdefgh", b"x", b"nopq", b"ABCD"]]);
    let expected = [&b"\x7FBCD\0"[..], b"\x7FDEF\0", b"\x7FOPQ\0"];
    assert_eq!(keys(&definition, &record), expected);
    assert!(keys(&definition, &Values::default()).is_empty());
}

#[test]
fn cross_product_of_pieces_goes_past_values_without_any() {
    let tuples = Some(Tuples { shortest: 2, longest: 9, count: 9, step: 9, start: 0 });
    let description = KeyDescription { tuples, ..flags(0x120CE) };
    let description = description.asc(tagged(ColumnType::LongBinary));
    let definition = description.asc(tagged(ColumnType::Short)).define();
    let second: [&[u8]; 2] = [&[5, 0], &[6, 0]];
    let record = Values::several(&[&[b"x", b"ab", b"", b"cd"], &second]);
    assert_eq!(keys(&definition, &record).len(), 4);
    assert!(keys(&definition, &Values::several(&[&[], &second])).is_empty());
}

#[test]
fn null_in_a_later_column_of_a_tuple_index_counts() {
    let tuples = Some(Tuples { shortest: 2, longest: 3, count: 2, step: 1, start: 0 });
    for (rules, count) in [(0x8, 2), (0x0, 0)] {
        let description = KeyDescription { tuples, ..flags(rules) };
        let description = description.asc(variable(ColumnType::Binary));
        let definition = description.asc(fixed(ColumnType::Long)).define();
        let record = Values::single(&[Some(b"abc"), None]);
        assert_eq!(keys(&definition, &record).len(), count);
    }
}

#[test]
fn pieces_of_unicode_text_are_whole_characters() {
    let tuples = Some(Tuples { shortest: 3, longest: 4, count: 60, step: 1, start: 0 });
    let description = KeyDescription { tuples, ..all() };
    let definition = description.asc(unicode(variable(ColumnType::Text))).define();
    let mut record = Values::single(&[Some(&utf16("Dorne"))]);
    let mut texts = Vec::new();
    let each = |key: Key<'_>| texts.extend(key.unknown_texts().map(<[u8]>::to_vec));
    KeyBuilder::new().for_each_key(&definition, &mut record, each).unwrap();
    texts.sort();
    assert_eq!(texts, [utf16("Dorn"), utf16("orne"), utf16("rne")]);
}

#[test]
fn too_many_keys_are_refused() {
    let description = flags(0x120CE).asc(tagged(ColumnType::Short));
    let definition = description.asc(tagged(ColumnType::Short)).define();
    let values: Vec<[u8; 2]> = (0..600_u16).map(u16::to_le_bytes).collect();
    let values: Vec<&[u8]> = values.iter().map(|v| &v[..]).collect();
    let mut record = Values::several(&[&values, &values]);
    let found = KeyBuilder::new().for_each_key(&definition, &mut record, |_| {});
    assert!(matches!(found, Err(KeyError::TooManyKeys)), "{MAX_KEYS}");
}

#[test]
fn value_of_a_wrong_length_is_said() {
    let definition = all().asc(tagged(ColumnType::Long)).define();
    for value in [&b""[..], b"abc", b"abcde"] {
        let mut record = Values::single(&[Some(value)]);
        let error = KeyBuilder::new().for_each_key(&definition, &mut record, |_| {});
        let text = error.unwrap_err().to_string();
        let expected = format!("value 1 of column 256 has {} bytes, its type has 4", value.len());
        assert_eq!(text, expected);
    }
}

#[test]
fn descriptions_that_no_index_has_are_refused() {
    let long = fixed(ColumnType::Long);
    let error = |description: KeyDescription| KeyDefinition::new(description).unwrap_err();
    assert_eq!(error(all()), DefinitionError::Segments(0));
    let many = (0..17).fold(all(), |description, _| description.asc(long));
    assert_eq!(error(many), DefinitionError::Segments(17));
    let slv = error(all().asc(tagged(ColumnType::Slv)));
    assert!(matches!(slv, DefinitionError::Type { ty: ColumnType::Slv, .. }));
    for key_most in [0, 2001] {
        let description = KeyDescription { key_most: Some(key_most), ..all() };
        assert_eq!(error(description.asc(long)), DefinitionError::KeyMost(key_most));
    }
    let description = KeyDescription { var_seg_mac: Some(256), ..all() };
    assert_eq!(error(description.asc(long)), DefinitionError::VarSegMac(256, 255));
    let good = Tuples { shortest: 3, longest: 10, count: 32767, step: 1, start: 0 };
    for (tuples, column) in [
        (good, long),
        (Tuples { shortest: 0, ..good }, variable(ColumnType::Text)),
        (Tuples { step: 0, ..good }, variable(ColumnType::Text)),
        (Tuples { count: 32768, ..good }, variable(ColumnType::Text)),
        (Tuples { start: u32::MAX, ..good }, variable(ColumnType::Text)),
    ] {
        let description = KeyDescription { tuples: Some(tuples), ..all() };
        assert_eq!(error(description.asc(column)), DefinitionError::Tuples(tuples, column.ty));
    }
}
