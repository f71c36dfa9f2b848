//! Versions against a list that is kept as plainly as can be.

use proptest::prelude::*;

use super::*;

fn origin(version: u32, level: u8) -> Origin {
    Origin {
        version: VersionId(version),
        root: PageNumber(7),
        objid: 9,
        unique: true,
        level,
        page: PageNumber(20),
    }
}

fn bookmark(key: &[u8]) -> NodeImage<'_> {
    NodeImage { key, data: b"data" }
}

fn numbers(versions: &Versions) -> Vec<u32> {
    versions.of_last_level().iter().map(|version| version.origin.version.0).collect()
}

#[test]
fn newest_comes_first_and_levels_sink() {
    let mut versions = Versions::default();
    versions.push(origin(1, 1), Kind::Insert, bookmark(b"without a transaction"), &[]);
    assert!(versions.is_empty());
    versions.begin(1);
    versions.push(origin(3, 1), Kind::Insert, bookmark(b"a"), &[]);
    versions.begin(3);
    assert_eq!(versions.level(), 3);
    versions.push(origin(5, 3), Kind::Insert, bookmark(b"b"), &[]);
    versions.push(origin(7, 3), Kind::FlagDelete, bookmark(b"c"), &[]);
    assert_eq!(numbers(&versions), [7, 5]);
    assert!(!versions.commit(2));
    assert_eq!(numbers(&versions), [7, 5]);
    assert!(!versions.commit(1));
    assert_eq!(numbers(&versions), [7, 5, 3]);
    versions.begin(2);
    assert!(numbers(&versions).is_empty());
    versions.push(origin(9, 2), Kind::Insert, bookmark(b"d"), &[]);
    versions.roll_back(1);
    assert_eq!(numbers(&versions), [7, 5, 3]);
    assert!(versions.commit(0));
    assert!(versions.is_empty());
}

#[test]
fn numbers_that_wrap_keep_their_order() {
    let mut versions = Versions::default();
    versions.begin(1);
    for number in [u32::MAX - 2, u32::MAX, 1, 3] {
        versions.push(origin(number, 1), Kind::Insert, bookmark(b"k"), &[]);
    }
    assert_eq!(numbers(&versions), [3, 1, u32::MAX, u32::MAX - 2]);
}

#[test]
fn undo_info_completes_what_was_deferred() {
    let mut versions = Versions::default();
    versions.begin(1);
    versions.defer(VersionId(11), PageNumber(4), 1);
    versions.defer(VersionId(13), PageNumber(5), 1);
    let replace = Kind::Replace { max_len: 9 };
    versions.complete(origin(13, 1), replace, bookmark(b"late"), b"before");
    let left: Vec<_> = versions.unresolved().map(|left| left.page.0).collect();
    assert_eq!(left, [4]);
    versions.push(origin(15, 1), replace, bookmark(b"made"), b"old");
    versions.complete(origin(15, 1), replace, bookmark(b"made"), b"old");
    let all = versions.of_last_level();
    assert_eq!(
        all.iter().map(|v| (v.origin.version.0, v.is_logged)).collect::<Vec<_>>(),
        [(15, true), (13, true)]
    );
    assert_eq!(versions.before(&all[1]), b"before");
    assert_eq!(versions.bookmark(&all[1]), NodeImage { key: b"late", data: &[] });
    // The undo of what has no version makes it good as well.
    assert!(versions.consume(&origin(11, 1), bookmark(b"gone")).is_none());
    assert_eq!(versions.unresolved().count(), 0);
}

#[test]
fn an_undo_takes_the_version_with_its_bookmark() {
    let mut versions = Versions::default();
    versions.begin(1);
    for number in 0..100_u32 {
        let key = number.to_be_bytes();
        let mut origin = origin(2 * number + 1, 1);
        origin.unique = number % 2 == 0;
        let kind = Kind::Replace { max_len: 1 };
        versions.push(origin, kind, NodeImage { key: &key, data: b"d" }, &key);
    }
    let name = |number: u32, data: &'static [u8]| (origin(2 * number + 1, 1), data);
    for (number, data, is_there) in
        [(99, &b"d"[..], true), (99, b"d", false), (3, b"other", false), (4, b"other", true)]
    {
        let (origin, data) = name(number, data);
        let key = number.to_be_bytes();
        let taken = versions.consume(&origin, NodeImage { key: &key, data });
        assert_eq!(taken.is_some(), is_there, "{number}");
        if let Some(taken) = taken {
            assert_eq!(versions.before(&taken), key);
        }
        versions.trim();
    }
    let mut other_tree = origin(1, 1);
    other_tree.root = PageNumber(8);
    assert!(versions.consume(&other_tree, NodeImage { key: &[0; 4], data: b"d" }).is_none());
    assert_eq!(versions.of_last_level().len(), 98);
}

#[test]
fn what_was_made_at_a_lower_level_outlives_a_rollback() {
    let mut versions = Versions::default();
    versions.begin(2);
    versions.push(origin(5, 2), Kind::Insert, bookmark(b"upper"), &[]);
    versions.complete(origin(1, 1), Kind::FlagDelete, bookmark(b"lower"), &[]);
    versions.push(origin(7, 2), Kind::Insert, bookmark(b"upper too"), &[]);
    assert_eq!(numbers(&versions), [7, 5]);
    versions.roll_back(1);
    assert_eq!(numbers(&versions), [1]);
    let taken = versions.consume(&origin(1, 1), bookmark(b"lower")).unwrap();
    assert_eq!(versions.bookmark(&taken).key, b"lower");
    assert!(versions.is_empty());
}

#[test]
fn room_of_a_large_transaction_is_given_back() {
    let mut versions = Versions::default();
    versions.begin(1);
    let before = vec![7; 100_000];
    for number in 0..20 {
        let kind = Kind::Replace { max_len: 0 };
        versions.push(origin(number, 1), kind, bookmark(b"k"), &before);
    }
    assert!(versions.memory() > 2_000_000);
    versions.commit(0);
    assert_eq!(versions.bytes.capacity(), 0);
}

#[derive(Debug, Clone)]
enum Step {
    Begin(u8),
    Push { key: u8, lower: bool },
    Commit(u8),
    RollBack(u8),
    Undo(prop::sample::Index),
    Info(prop::sample::Index),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (1..4_u8).prop_map(Step::Begin),
        6 => (any::<u8>(), any::<bool>()).prop_map(|(key, lower)| Step::Push { key, lower }),
        1 => (0..4_u8).prop_map(Step::Commit),
        1 => (1..3_u8).prop_map(Step::RollBack),
        3 => any::<prop::sample::Index>().prop_map(Step::Undo),
        2 => any::<prop::sample::Index>().prop_map(Step::Info),
    ]
}

/// A version of the plain list: its number, its level, its key, whether it is logged.
type Plain = (u32, u8, [u8; 3], bool);

proptest! {
    #[test]
    fn versions_are_those_of_a_plain_list(steps in prop::collection::vec(step(), 1..120)) {
        let mut versions = Versions::default();
        let mut plain: Vec<Plain> = Vec::new();
        let mut number = 0;
        for step in steps {
            let level = versions.level();
            match step {
                Step::Begin(more) => versions.begin(level + more),
                Step::Push { key, lower } => {
                    number += 2;
                    let made = if lower { level.saturating_sub(1) } else { level }.max(1);
                    let key = [key, 1, 2];
                    versions.push(origin(number, made), Kind::Insert, bookmark(&key), &key);
                    if level > 0 {
                        plain.push((number, made, key, false));
                    }
                }
                Step::Commit(to) if level > 0 => {
                    versions.commit(to);
                    plain.iter_mut().for_each(|version| version.1 = version.1.min(to));
                    plain.retain(|version| version.1 > 0);
                }
                Step::RollBack(levels) => {
                    versions.roll_back(levels);
                    let level = level.saturating_sub(levels);
                    plain.retain(|version| version.1 <= level);
                }
                Step::Undo(index) if !plain.is_empty() => {
                    let (number, _, key, logged) = plain.remove(index.index(plain.len()));
                    let taken = versions.consume(&origin(number, 1), bookmark(&key)).unwrap();
                    prop_assert_eq!(versions.before(&taken), key);
                    prop_assert_eq!(taken.is_logged, logged);
                    versions.trim();
                    prop_assert!(versions.consume(&origin(number, 1), bookmark(&key)).is_none());
                }
                Step::Info(index) if !plain.is_empty() => {
                    let index = index.index(plain.len());
                    let (number, made, key, _) = plain[index];
                    plain[index].3 = true;
                    let kind = Kind::Insert;
                    versions.complete(origin(number, made), kind, bookmark(&key), b"x");
                }
                _ => {}
            }
            prop_assert_eq!(versions.is_empty(), plain.is_empty());
        }
        for level in (1..=versions.level()).rev() {
            let mut expected: Vec<_> =
                plain.iter().filter(|version| version.1 == level).copied().collect();
            expected.sort_by_key(|version| std::cmp::Reverse(version.0));
            let found: Vec<Plain> = versions
                .of_last_level()
                .iter()
                .map(|v| {
                    let key = versions.bookmark(v).key.try_into().unwrap();
                    (v.origin.version.0, level, key, v.is_logged)
                })
                .collect();
            prop_assert_eq!(found, expected);
            versions.roll_back(1);
        }
        prop_assert!(versions.is_empty());
    }
}
