//! Keys compare as values do.

use core::cmp::Ordering;

use proptest::prelude::*;

use super::*;

/// Compares the keys of two values in both directions with `expected`.
fn check(column: KeyColumn, left: &[u8], right: &[u8], expected: Ordering) {
    let (up, down) = (all().asc(column).define(), all().desc(column).define());
    let order = |definition| key(definition, &[Some(left)]).cmp(&key(definition, &[Some(right)]));
    assert_eq!(order(&up), expected, "{} {left:02x?} {right:02x?}", column.ty);
    assert_eq!(order(&down), expected.reverse(), "{} {left:02x?} {right:02x?}", column.ty);
}

macro_rules! numbers {
    ($($name:ident: $number:ty, $ty:ident;)*) => {
        proptest! {$(
            #[test]
            fn $name(left: $number, right: $number) {
                let (a, b) = (left.to_le_bytes(), right.to_le_bytes());
                check(fixed(ColumnType::$ty), &a, &b, left.cmp(&right));
                check(tagged(ColumnType::$ty), &a, &b, left.cmp(&right));
            }
        )*}
    };
}

numbers! {
    unsigned_bytes: u8, UnsignedByte;
    shorts: i16, Short;
    longs: i32, Long;
    currencies: i64, Currency;
    long_longs: i64, LongLong;
    unsigned_shorts: u16, UnsignedShort;
    unsigned_longs: u32, UnsignedLong;
    unsigned_long_longs: u64, UnsignedLongLong;
}

/// Up to the first NUL, without the case of A-Z.
fn text_order(text: &[u8]) -> Vec<u8> {
    text.iter().take_while(|byte| **byte != 0).map(u8::to_ascii_uppercase).collect()
}

fn short_values() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 1..30),
        prop::collection::vec(0..3_u8, 1..30),
        prop::collection::vec(prop::sample::select(b"aAbB\xE9\0 ".to_vec()), 1..6),
    ]
}

proptest! {
    #[test]
    fn singles(left: f32, right: f32) {
        let (a, b) = (left.to_le_bytes(), right.to_le_bytes());
        check(fixed(ColumnType::IeeeSingle), &a, &b, left.total_cmp(&right));
    }

    #[test]
    fn doubles_and_dates(left: f64, right: f64) {
        let (a, b) = (left.to_le_bytes(), right.to_le_bytes());
        check(fixed(ColumnType::IeeeDouble), &a, &b, left.total_cmp(&right));
        check(fixed(ColumnType::DateTime), &a, &b, left.total_cmp(&right));
    }

    #[test]
    fn bits(left: u8, right: u8) {
        check(fixed(ColumnType::Bit), &[left], &[right], (left != 0).cmp(&(right != 0)));
    }

    #[test]
    fn guids_of_dot_net_by_their_text(left: [u8; 16], right: [u8; 16]) {
        let parts = |g: [u8; 16]| {
            let [a, b, c, d, e, f, g, h, rest @ ..] = g;
            let first = u32::from_le_bytes([a, b, c, d]);
            (first, u16::from_le_bytes([e, f]), u16::from_le_bytes([g, h]), rest)
        };
        let definition = KeyDescription { flags: 0x3000E, ..all() };
        let definition = definition.asc(fixed(ColumnType::Guid)).define();
        let order = key(&definition, &[Some(&left)]).cmp(&key(&definition, &[Some(&right)]));
        prop_assert_eq!(order, parts(left).cmp(&parts(right)));
    }

    #[test]
    fn guids_by_the_last_group_first(left: [u8; 16], right: [u8; 16]) {
        let parts = |g: [u8; 16]| {
            let [a, b, c, d, e, f, g, h, i, j, rest @ ..] = g;
            (rest, [i, j], [g, h], [e, f], [a, b, c, d])
        };
        check(fixed(ColumnType::Guid), &left, &right, parts(left).cmp(&parts(right)));
    }

    #[test]
    fn binary(left in short_values(), right in short_values()) {
        let order = left.cmp(&right);
        check(variable(ColumnType::Binary), &left, &right, order);
        check(tagged(ColumnType::LongBinary), &left, &right, order);
        let size = left.len().min(right.len());
        let order = left[..size].cmp(&right[..size]);
        check(fixed(ColumnType::Binary), &left[..size], &right[..size], order);
    }

    #[test]
    fn text(left in short_values(), right in short_values()) {
        let order = text_order(&left).cmp(&text_order(&right));
        check(variable(ColumnType::Text), &left, &right, order);
        check(tagged(ColumnType::LongText), &left, &right, order);
    }

    #[test]
    fn null_is_before_nothing_and_nothing_before_any_value(value in short_values()) {
        for column in [variable(ColumnType::Text), variable(ColumnType::Binary)] {
            let definition = all().asc(column).define();
            let keys = [None, Some(&b""[..]), Some(&value[..])].map(|v| key(&definition, &[v]));
            prop_assert!(keys.is_sorted() && keys[0] != keys[1] && keys[1] != keys[2]);
            let high = KeyDescription { flags: 0x1080E, ..all() }.asc(column).define();
            prop_assert!(key(&high, &[None]) > key(&high, &[Some(&value)]));
        }
    }

    /// A search key is what a record's key begins with.
    #[test]
    fn search_keys_begin_the_keys_they_look_for(value in short_values(), cut in 0..30_usize) {
        let value: Vec<u8> = value.into_iter().map(|byte| byte.max(1)).collect();
        let mut builder = KeyBuilder::new();
        for column in [variable(ColumnType::Text), tagged(ColumnType::LongBinary)] {
            let definition = all().asc(column).desc(fixed(ColumnType::Bit)).define();
            let key = key(&definition, &[Some(&value), Some(&[1])]);
            let begin = [Some(&value[..])];
            let whole = builder.search_key(&definition, &begin, SearchEnd::Whole).unwrap();
            prop_assert!(key.starts_with(whole) && key.len() == whole.len() + 2);
            let begin = [Some(&value[..cut.min(value.len())])];
            let part = builder.search_key(&definition, &begin, SearchEnd::Beginning).unwrap();
            prop_assert!(key.starts_with(part));
            let both = [Some(&value[..]), Some(&[1][..])];
            let whole = builder.search_key(&definition, &both, SearchEnd::Whole).unwrap();
            prop_assert_eq!(whole, &key);
        }
    }
}

#[test]
fn searches_that_cannot_be_are_refused() {
    let column = variable(ColumnType::Text);
    let definition = all().asc(unicode(column)).asc(fixed(ColumnType::Long)).define();
    let mut builder = KeyBuilder::new();
    let mut search = |values: &[Option<&[u8]>], end| {
        builder.search_key(&definition, values, end).map(<[u8]>::to_vec)
    };
    let id = column.id;
    let text = utf16("x");
    let count = |found| Err(SearchError::Count { found, columns: 2 });
    assert_eq!(search(&[], SearchEnd::Whole), count(0));
    assert_eq!(search(&[None; 3], SearchEnd::Whole), count(3));
    let unknown = Err(SearchError::UnknownSortKey(id));
    assert_eq!(search(&[Some(&text)], SearchEnd::Whole), unknown);
    assert_eq!(search(&[None, None], SearchEnd::Whole), Ok(hex("0000")));
    assert_eq!(search(&[None], SearchEnd::Beginning), Err(SearchError::NoBeginning(id)));
    let long = ColumnId::own(1);
    let wrong = Err(SearchError::ValueLength { id: long, expected: 4, found: 3 });
    assert_eq!(search(&[None, Some(b"abc")], SearchEnd::Whole), wrong);
    let values = [None, Some(&[1, 0, 0, 0][..])];
    assert_eq!(search(&values, SearchEnd::Beginning), Err(SearchError::NoBeginning(long)));
}
