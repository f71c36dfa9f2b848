//! Pages that are changed stay sound, and hold what a plain list of nodes holds.

use alloc::vec;

use proptest::prelude::*;

use super::*;
use crate::page::structure;

const NUMBER: PageNumber = PageNumber(9);

fn blank(size: PageSize, flags: PageFlags) -> Vec<u8> {
    let mut bytes = vec![0xEE; size.bytes()];
    assert!(PageEdit::init(&mut bytes, NUMBER, 77, flags, DbTime(5)).is_some());
    bytes
}

#[test]
fn a_new_page_is_sound_and_empty() {
    for size in PageSize::ALL {
        let bytes = blank(size, PageFlags::LEAF);
        structure::check(&bytes).unwrap();
        let page = NodePage::new(&bytes).unwrap();
        assert_eq!((page.node_count(), page.external_header()), (0, Some(&[][..])));
        assert_eq!((page.header().objid, page.header().dbtime), (77, DbTime(5)));
        assert!(page.header().large.is_none_or(|large| large.number == NUMBER));
    }
    assert!(PageEdit::init(&mut [0; 100], NUMBER, 1, PageFlags::LEAF, DbTime(1)).is_none());
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    for size in PageSize::ALL {
        let mut bytes = blank(size, PageFlags::LEAF);
        let mut page = PageEdit::new(&mut bytes).unwrap();
        page.insert(0, NodeFlags::empty(), 0, b"key", &[7; 300]).unwrap();
        let room = page.room();
        let before = page.bytes.to_vec();
        let error = page.insert(0, NodeFlags::empty(), 0, b"k", &vec![0; room]);
        assert!(matches!(error, Err(EditError::NoRoom { .. } | EditError::TooLong { .. })));
        let error = page.replace_data(0, &vec![0; room + 301]);
        assert!(matches!(error, Err(EditError::NoRoom { .. } | EditError::TooLong { .. })));
        let none = Err(EditError::NoLine { line: 2, count: 1 });
        assert_eq!(page.insert(2, NodeFlags::empty(), 0, b"", b""), none);
        let none = Err(EditError::NoLine { line: 1, count: 1 });
        assert_eq!(page.remove(1), none);
        assert_eq!(page.replace_data(1, b""), none);
        let wanted = Err(EditError::Prefix { wanted: 1, found: 0 });
        assert_eq!(page.insert(0, NodeFlags::empty(), 1, b"", b""), wanted);
        assert_eq!(page.bytes.to_vec(), before);
        page.replace_data(0, &vec![1; (room + 300).min(page.longest() - 5)]).unwrap();
        structure::check(page.bytes).unwrap();
    }
}

#[test]
fn flags_of_nodes_change_and_compressed_stays() {
    for size in PageSize::ALL {
        let mut bytes = blank(size, PageFlags::LEAF);
        let mut page = PageEdit::new(&mut bytes).unwrap();
        page.set_external_header(b"prefix").unwrap();
        page.insert(0, NodeFlags::empty(), 4, b"k", b"data").unwrap();
        page.insert(1, NodeFlags::VERSION, 0, b"k", b"data").unwrap();
        page.set_node_flags(0, NodeFlags::DELETED).unwrap();
        page.set_node_flags(1, NodeFlags::DELETED | NodeFlags::COMPRESSED).unwrap();
        let flags = |line: usize| page.view().node(line).unwrap().flags;
        assert_eq!(flags(0), NodeFlags::DELETED | NodeFlags::COMPRESSED);
        assert_eq!(flags(1), NodeFlags::DELETED);
        assert_eq!(page.view().node(0).unwrap().key(), b"prefk");
        page.data_mut(1).unwrap().copy_from_slice(b"DATA");
        assert_eq!(page.view().node(1).unwrap().data, b"DATA");
    }
}

#[derive(Debug, Clone)]
enum Step {
    Insert { at: prop::sample::Index, prefix: u8, key: Vec<u8>, len: u16 },
    Remove(prop::sample::Index),
    Replace(prop::sample::Index, u16),
    Flags(prop::sample::Index, u8),
    External(Vec<u8>),
    Truncate(prop::sample::Index),
    Fill,
}

fn step() -> impl Strategy<Value = Step> {
    let index = || any::<prop::sample::Index>();
    let key = || prop::collection::vec(any::<u8>(), 0..20);
    prop_oneof![
        8 => (index(), 0..8_u8, key(), 0..900_u16)
            .prop_map(|(at, prefix, key, len)| Step::Insert { at, prefix, key, len }),
        3 => index().prop_map(Step::Remove),
        4 => (index(), 0..2000_u16).prop_map(|(at, len)| Step::Replace(at, len)),
        2 => (index(), 0..4_u8).prop_map(|(at, flags)| Step::Flags(at, flags)),
        1 => prop::collection::vec(any::<u8>(), 8..30).prop_map(Step::External),
        1 => index().prop_map(Step::Truncate),
        1 => Just(Step::Fill),
    ]
}

type Plain = (u8, usize, Vec<u8>, Vec<u8>);

proptest! {
    #[test]
    fn pages_hold_what_a_list_holds(
        size in prop::sample::select(&PageSize::ALL[..]),
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let mut bytes = blank(size, PageFlags::LEAF);
        let mut page = PageEdit::new(&mut bytes).unwrap();
        let mut external = vec![3; 8];
        page.set_external_header(&external).unwrap();
        let mut plain: Vec<Plain> = Vec::new();
        for (number, step) in steps.into_iter().enumerate() {
            let fill = u8::try_from(number).unwrap();
            match step {
                Step::Insert { at, prefix, key, len } => {
                    let at = at.index(plain.len() + 1);
                    let data = vec![fill; usize::from(len)];
                    let prefix = usize::from(prefix);
                    let flags = NodeFlags::from_bits_retain(0);
                    let needed = 2 + 2 * usize::from(prefix > 0) + key.len() + data.len() + 4;
                    let fits = needed <= page.room();
                    let (first, second) = key.split_at(key.len() / 2);
                    let done = page.insert_parts(at, flags, prefix, [first, second], &data);
                    prop_assert_eq!(done.is_ok(), fits);
                    if fits {
                        plain.insert(at, (0, prefix, key, data));
                    }
                }
                Step::Remove(at) if !plain.is_empty() => {
                    let at = at.index(plain.len());
                    page.remove(at).unwrap();
                    plain.remove(at);
                }
                Step::Replace(at, len) if !plain.is_empty() => {
                    let at = at.index(plain.len());
                    let data = vec![fill; usize::from(len)];
                    let fits = data.len() <= page.room() + plain[at].3.len();
                    prop_assert_eq!(page.replace_data(at, &data).is_ok(), fits);
                    if fits {
                        plain[at].3 = data;
                    }
                }
                Step::Flags(at, flags) if !plain.is_empty() => {
                    let at = at.index(plain.len());
                    page.set_node_flags(at, NodeFlags::from_bits_retain(flags)).unwrap();
                    plain[at].0 = flags;
                }
                Step::External(content) if page.set_external_header(&content).is_ok() => {
                    external = content;
                }
                Step::Truncate(at) => {
                    let at = at.index(plain.len() + 1);
                    page.truncate(at);
                    plain.truncate(at);
                }
                Step::Fill => page.fill_free(0x4C),
                _ => {}
            }
            prop_assert_eq!(structure::check(page.bytes), Ok(()));
            prop_assert_eq!(page.external_header(), &external[..]);
            let view = page.view();
            prop_assert_eq!(view.node_count(), plain.len());
            for (line, (flags, prefix, key, data)) in plain.iter().enumerate() {
                let node = view.node(line).unwrap();
                prop_assert_eq!(node.flags.bits() & 3, *flags);
                prop_assert_eq!(node.prefix, &external[..*prefix]);
                prop_assert_eq!((node.suffix, node.data), (&key[..], &data[..]));
            }
        }
        prop_assert_eq!(PageHeader::parse(page.bytes).unwrap(), page.header);
    }
}
