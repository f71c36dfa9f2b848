//! Keys that the engine made.

use super::*;

fn one(column: KeyColumn, value: Option<&str>, expected: &str) {
    check(all().asc(column), &[value], expected);
}

fn one_descending(column: KeyColumn, value: Option<&str>, expected: &str) {
    check(all().desc(column), &[value], expected);
}

fn check(description: KeyDescription, values: &[Option<&str>], expected: &str) {
    let values: Vec<Option<Vec<u8>>> = values.iter().map(|v| v.map(hex)).collect();
    let values: Vec<Option<&[u8]>> = values.iter().map(|v| v.as_deref()).collect();
    assert_eq!(key(&description.define(), &values), hex(expected), "{values:02x?}");
}

#[test]
fn integers() {
    for (ty, stored, expected) in [
        (ColumnType::Bit, "00", "7f00"),
        (ColumnType::Bit, "ff", "7fff"),
        (ColumnType::Bit, "01", "7fff"),
        (ColumnType::UnsignedByte, "d5", "7fd5"),
        (ColumnType::Short, "c7fa", "7f7ac7"),
        (ColumnType::Short, "35be", "7f3e35"),
        (ColumnType::Short, "7a00", "7f807a"),
        (ColumnType::Long, "37f833ff", "7f7f33f837"),
        (ColumnType::Long, "01000000", "7f80000001"),
        (ColumnType::Currency, "c9b000b41dc00400", "7f8004c01db400b0c9"),
        (ColumnType::Currency, "2626000000000000", "7f8000000000002626"),
        (ColumnType::LongLong, "cc80000000000000", "7f80000000000080cc"),
        (ColumnType::LongLong, "74c5ffffffffffff", "7f7fffffffffffc574"),
        (ColumnType::LongLong, "ddab4b4ace33c69a", "7f1ac633ce4a4babdd"),
        (ColumnType::UnsignedShort, "3905", "7f0539"),
        (ColumnType::UnsignedLong, "c907cc00", "7f00cc07c9"),
        (ColumnType::UnsignedLong, "f3feffff", "7ffffffef3"),
        (ColumnType::UnsignedLongLong, "0807060504030201", "7f0102030405060708"),
    ] {
        one(fixed(ty), Some(stored), expected);
        one(tagged(ty), Some(stored), expected);
    }
}

#[test]
fn integers_descending_and_null() {
    let long = fixed(ColumnType::Long);
    one_descending(long, Some("68000000"), "807fffff97");
    one_descending(long, Some("1d000000"), "807fffffe2");
    one_descending(long, Some("f2dfff6a"), "801500200d");
    one_descending(long, Some("0ffeffff"), "80800001f0");
    one_descending(long, None, "ff");
    one(long, None, "00");
}

#[test]
fn floats_and_dates() {
    one(fixed(ColumnType::IeeeSingle), Some("0000803f"), "7fbf800000");
    one(fixed(ColumnType::IeeeSingle), Some("e4b30844"), "7fc408b3e4");
    one(fixed(ColumnType::IeeeSingle), Some("6f3056c4"), "7f3ba9cf90");
    one(fixed(ColumnType::IeeeDouble), Some("43614724f9806941"), "7fc16980f924476143");
    let double = fixed(ColumnType::IeeeDouble);
    one_descending(double, Some("3235b0774c13c840"), "803f37ecb3884fcacd");
    one_descending(double, Some("0dec1d53030ac3c0"), "80c0c30a03531dec0d");
    one_descending(fixed(ColumnType::DateTime), Some("02c93ad77346e840"), "803f17b98c28c536fd");
    let three =
        all().asc(fixed(ColumnType::Currency)).desc(double).asc(fixed(ColumnType::IeeeSingle));
    check(three, &[None, None, None], "00ff00");
}

#[test]
fn guids_in_both_orders() {
    let guid = fixed(ColumnType::Guid);
    let stored = Some("f10a363f 6667 dc46 9af2 0dacf295c2a1");
    one(guid, stored, "7f 0dacf295c2a1 9af2 dc46 6667 f10a363f");
    let stored = Some("25d96dd0 9c3d e65c 247a 0257a6d22a9d");
    one(guid, stored, "7f0257a6d22a9d247ae65c9c3d25d96dd0");
    let dot_net = KeyDescription { flags: 0x3000E, ..all() }.asc(guid);
    check(dot_net, &[stored], "7f d06dd925 3d9c 5ce6 247a 0257a6d22a9d");
}

#[test]
fn nulls_may_sort_high() {
    let high = || KeyDescription { flags: 0x1084E, ..all() };
    let byte = fixed(ColumnType::UnsignedByte);
    check(high().asc(byte), &[Some("00")], "7f00");
    check(high().asc(byte), &[None], "c0");
    check(high().asc(byte).asc(fixed(ColumnType::UnsignedShort)), &[None, None], "c0c0");
    check(high().desc(byte), &[None], "3f");
}

#[test]
fn text_of_a_single_byte_code_page() {
    let text = |value: &[u8], expected: &[u8]| {
        let definition = all().asc(variable(ColumnType::Text)).define();
        assert_eq!(key(&definition, &[Some(value)]), expected);
    };
    text(b"Simple ASCII text", b"\x7FSIMPLE ASCII TEXT\0");
    text(b"co-op      ", b"\x7FCO-OP      \0");
    text(b"re sum\xE9 Quebec", b"\x7FRE SUM\xE9 QUEBEC\0");
    text(b"", b"\x40");
    text(b"\0rest", b"\x7F\0");
    text(b"a\0b", b"\x7FA\0");
}

#[test]
fn last_byte_of_a_cut_text_is_odd() {
    let definition = all().asc(tagged(ColumnType::LongText)).define();
    for (at_254, last) in [(0x20, 0x00), (b'G', 0x27), (b'J', 0x2A), (b'V', 0x36), (b'a', b'A')] {
        let mut value = [b'x'; 300];
        value[253] = at_254;
        let key = key(&definition, &[Some(&value)]);
        assert_eq!((key.len(), key[253], key[254]), (255, b'X', last));
    }
    let key = key(&definition, &[Some(&[b'y'; 253])]);
    assert_eq!((key.len(), key[253], key[254]), (255, b'Y', 0));
}

#[test]
fn binary_in_pieces() {
    let variable = variable(ColumnType::Binary);
    let sixteen = "746573742062696e6172792064617461";
    one(variable, Some(sixteen), "7f 746573742062696e 09 6172792064617461 08");
    one(variable, Some("0011092d336630383038333974"), "7f 0011092d33663038 09 3038333974000000 05");
    one(
        variable,
        Some(&["00006c2d626636373536616365656565", &"65".repeat(24)].concat()),
        "7f 00006c2d62663637 09 3536616365656565 09 6565656565656565 09 6565656565656565 09 \
         6565656565656565 08",
    );
    one(tagged(ColumnType::LongBinary), Some(""), "40");
    let fixed = KeyColumn { size: 13, ..fixed(ColumnType::Binary) };
    one(fixed, Some("10cfb724db191c748806e9d6b0"), "7f10cfb724db191c748806e9d6b0");
}

#[test]
fn binary_with_a_limit_for_the_segment() {
    let limited = |value: &str, expected: &str| {
        let description = KeyDescription { var_seg_mac: Some(20), ..all() };
        check(description.asc(variable(ColumnType::Binary)), &[Some(value)], expected);
    };
    limited("9b0c791043", "7f 9b0c791043000000 05");
    limited("ae2c64feb1feec", "7f ae2c64feb1feec00 07");
    limited("4716bfdaf09cebdf", "7f 4716bfdaf09cebdf 08");
    limited("440bc869cebae0baa8f1b4c6c4edc6", "7f 440bc869cebae0ba 09 a8f1b4c6c4edc600 07");
    limited(
        "0442bdbe82c084c20405bd070809470b41bc",
        "7f 0442bdbe82c084c2 09 0405bd070809470b 09 41",
    );
}

#[test]
fn binary_longer_than_the_key() {
    let description = KeyDescription { key_most: Some(500), ..all() };
    let definition = description.asc(tagged(ColumnType::LongBinary)).define();
    let value: Vec<u8> = (0..=255).cycle().take(600).collect();
    let key = key(&definition, &[Some(&value)]);
    assert_eq!((key.len(), key[495]), (500, 9));
    assert_eq!(key[496..], value[440..444], "raw bytes without a number");
}

#[test]
fn two_segments() {
    let description = all().desc(fixed(ColumnType::DateTime)).asc(fixed(ColumnType::Long));
    check(description, &[None, Some("fd12185a")], "ff 7fda1812fd");
}

#[test]
fn pieces_of_a_text() {
    let tuples = Some(Tuples { shortest: 3, longest: 8, count: 60, step: 1, start: 0 });
    let description = KeyDescription { tuples, ..all() };
    let definition = description.asc(variable(ColumnType::Text)).define();
    let keys = |text: &[u8]| keys(&definition, &Values::single(&[Some(text)]));
    assert_eq!(keys(b"Mike"), [hex("7f494b4500"), hex("7f4d494b4500")]);
    assert!(keys(b"tagged default").contains(&hex("7f414747454420444500")));
    assert_eq!(keys(b"tagged default").len(), 12);
    assert!(keys(b"ab").is_empty());
}
