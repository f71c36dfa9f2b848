//! Splits, merges and moves as no engine writes them: they are refused, or leave sound pages.
//!
//! They begin as good ones, and some of their fields become others.

use ese_format::log::record::{
    BeforeImage, BeforeImageFlags, Change, MergeChange, MergeFlags, MergeKind, MovedTree,
    NodeChange, NodeImage, PageMoveChange, PageRecord, SplitChange, SplitKind, SplitOperation,
    VersionId,
};
use ese_format::page::{PageFlags, PageHeader};
use ese_format::{DbTime, PageNumber, PageSize};
use proptest::prelude::*;

use super::Operation;
use super::flushed::{
    AFTER, BEFORE, MemoryPages, NO_IMAGE, OBJID, Spec, dehydrated, image_of, node, nodes, pointers,
    record,
};

/// What fields become.
#[derive(Debug)]
struct Source {
    numbers: Vec<u16>,
    next: usize,
    /// One field of so many becomes another one.
    rare: u16,
}

impl Source {
    /// A number below `end`.
    fn below(&mut self, end: u16) -> u16 {
        self.next += 1;
        self.numbers[self.next % self.numbers.len()] % end
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::from(self.below(u16::try_from(all.len()).unwrap()))]
    }

    fn bends(&mut self) -> bool {
        self.below(self.rare) == 0
    }

    fn page(&mut self, number: &mut PageNumber) {
        if self.bends() {
            *number = PageNumber(u32::from(self.below(9)));
        }
    }

    fn flags(&mut self, flags: &mut PageFlags) {
        if self.bends() {
            *flags ^= PageFlags::from_bits_retain(1 << self.below(19));
        }
    }

    fn time(&mut self, time: &mut DbTime) {
        if self.bends() {
            *time = DbTime(u64::from(self.below(100)));
        }
    }

    fn line(&mut self, line: &mut u16) {
        if self.bends() {
            *line = self.below(7);
        }
    }

    fn key(&mut self, key: &mut &[u8]) {
        if self.bends() {
            *key = self.one_of(&[b"", b"k", b"key", b"key1", b"key15", b"key3", b"l"]);
        }
    }

    fn image<'a>(&mut self, image: &mut BeforeImage<'a>, images: &'a [Vec<u8>]) {
        if self.bends() {
            image.bytes = &images[usize::from(self.below(5))];
        }
        if self.bends() {
            image.flags = BeforeImageFlags::from_bits_retain(u32::from(self.below(4)));
        }
        if self.bends() {
            let len = usize::from(self.below(8192)).min(image.bytes.len());
            image.bytes = &image.bytes[..len];
        }
    }

    fn split<'a>(&mut self, change: &mut SplitChange<'a>, images: &'a [Vec<u8>]) {
        self.page(&mut change.new);
        self.page(&mut change.right);
        self.time(&mut change.right_before);
        self.line(&mut change.operation_line);
        self.line(&mut change.split_line);
        self.line(&mut change.lines);
        self.flags(&mut change.new_flags);
        self.flags(&mut change.source_flags);
        self.key(&mut change.parent_key);
        self.key(&mut change.new_prefix);
        self.image(&mut change.before_image, images);
        for line in [&mut change.source_prefix_line, &mut change.new_prefix_line] {
            if self.bends() {
                *line = i32::from(self.below(6)) - 1;
            }
        }
        if self.bends() {
            change.kind = self.one_of(&[SplitKind::Vertical, SplitKind::Right, SplitKind::Append]);
        }
        if self.bends() {
            change.operation = self.one_of(&OPERATIONS);
        }
    }

    fn merge<'a>(&mut self, change: &mut MergeChange<'a>, images: &'a [Vec<u8>]) {
        self.page(&mut change.right);
        self.page(&mut change.left);
        self.time(&mut change.right_before);
        self.time(&mut change.left_before);
        self.line(&mut change.merge_line);
        self.key(&mut change.parent_key);
        self.image(&mut change.before_image, images);
        if self.bends() {
            change.flags ^= MergeFlags::from_bits_retain(1 << self.below(3));
        }
        if self.bends() {
            change.kind = self.one_of(&KINDS);
        }
    }

    fn page_move<'a>(&mut self, change: &mut PageMoveChange<'a>) {
        self.page(&mut change.destination);
        self.page(&mut change.left);
        self.page(&mut change.right);
        self.page(&mut change.parent);
        self.time(&mut change.left_before);
        self.time(&mut change.parent_before);
        if self.bends() {
            change.parent_line = u32::from(self.below(5));
        }
        if self.bends() {
            let len = usize::from(self.below(500)).min(change.head.len());
            change.head = &change.head[..len];
        }
        if self.bends() {
            change.moved = MovedTree::from_bits_retain(1 << self.below(3));
        }
    }

    fn records<'a>(&mut self, records: &mut Vec<PageRecord<'a>>, images: &'a [Vec<u8>]) {
        for record in records.iter_mut() {
            self.page(&mut record.page);
            self.line(&mut record.line);
            match &mut record.change {
                Change::Split(change) => self.split(change, images),
                Change::Merge(change) => self.merge(change, images),
                Change::Move(change) => self.page_move(change),
                _ => continue,
            }
            self.time(&mut record.before);
        }
        if self.bends() {
            let place = usize::from(self.below(3)) % records.len();
            let again = records[place].clone();
            records.push(again);
        }
        if self.bends() {
            let place = usize::from(self.below(3)) % records.len();
            records.remove(place);
        }
    }
}

const OPERATIONS: [SplitOperation; 4] = [
    SplitOperation::None,
    SplitOperation::Insert,
    SplitOperation::Replace,
    SplitOperation::FlagInsertAndReplaceData,
];
const KINDS: [MergeKind; 6] = [
    MergeKind::None,
    MergeKind::EmptyPage,
    MergeKind::FullRight,
    MergeKind::PartialRight,
    MergeKind::FullLeft,
    MergeKind::PartialLeft,
];

/// Root 1 over leaves 2, 3 and 4; root 5, a leaf.
fn tree() -> MemoryPages {
    let leaf = |number, links, external, keys: &[&str]| Spec {
        number,
        flags: PageFlags::LEAF,
        links,
        external,
        nodes: nodes(keys),
    };
    let root = |number, kind, nodes| Spec {
        number,
        flags: PageFlags::ROOT | kind,
        links: (0, 0),
        external: &[7; 16],
        nodes,
    };
    MemoryPages::new(PageSize::KIB_8)
        .with(&root(1, PageFlags::PARENT_OF_LEAF, pointers(&[("key1", 2), ("key2", 3), ("", 4)])))
        .with(&leaf(2, (0, 3), b"key", &["a", "key0"]))
        .with(&leaf(3, (2, 4), b"key1", &["key11", "key12", "key13", "key14"]))
        .with(&leaf(4, (3, 0), b"", &["key3", "z"]))
        .with(&root(5, PageFlags::LEAF, nodes(&["key1", "key12", "l"])))
}

/// Leaf 3 is split to the right, to page 7.
fn split<'a>(operation: SplitOperation, image: &'a [u8]) -> SplitChange<'a> {
    SplitChange {
        new: PageNumber(7),
        right: PageNumber(4),
        right_before: BEFORE,
        parent: PageNumber(1),
        parent_before: BEFORE,
        root: PageNumber(1),
        objid: OBJID,
        kind: SplitKind::Right,
        operation,
        operation_line: if operation == SplitOperation::None { 0 } else { 2 },
        split_line: 2,
        lines: if operation == SplitOperation::Insert { 5 } else { 4 },
        new_flags: PageFlags::LEAF,
        source_flags: PageFlags::LEAF,
        source_uncommitted: 0,
        new_uncommitted: 0,
        source_prefix_line: 0,
        new_prefix_line: 1,
        parent_key: b"key15",
        old_prefix: b"key1",
        new_prefix: b"key11",
        before_image: BeforeImage { flags: BeforeImageFlags::DEHYDRATED, bytes: image },
    }
}

/// Leaf 3 is merged.
fn merge<'a>(kind: MergeKind, image: &'a [u8]) -> MergeChange<'a> {
    let is_partial = matches!(kind, MergeKind::PartialRight | MergeKind::PartialLeft);
    MergeChange {
        right: PageNumber(4),
        right_before: BEFORE,
        left: PageNumber(2),
        left_before: BEFORE,
        parent: PageNumber(1),
        parent_before: BEFORE,
        root: PageNumber(1),
        objid: OBJID,
        moved_len: 0,
        moved_max_len: 0,
        destination_uncommitted: 0,
        merge_line: if kind == MergeKind::FullRight { 0 } else { 3 },
        flags: if is_partial { MergeFlags::empty() } else { MergeFlags::EMPTY_PAGE },
        kind,
        parent_key: b"key15",
        before_image: BeforeImage { flags: BeforeImageFlags::DEHYDRATED, bytes: image },
    }
}

fn good<'a>(
    source: &mut Source,
    image: &'a [u8],
    parts: (&'a [u8], &'a [u8]),
) -> Vec<PageRecord<'a>> {
    match source.below(4) {
        0 => {
            let operation = source.one_of(&OPERATIONS);
            let change = split(operation, image);
            let upper = SplitChange { new: PageNumber::NULL, before_image: NO_IMAGE, ..change };
            let mut records =
                vec![record(1, Change::Split(upper)), record(3, Change::Split(change))];
            records.extend(leaf(3, operation));
            records
        }
        1 => {
            let change = SplitChange {
                right: PageNumber::NULL,
                kind: SplitKind::Vertical,
                operation_line: 0,
                split_line: 0,
                lines: 3,
                source_flags: PageFlags::ROOT | PageFlags::PARENT_OF_LEAF,
                ..split(SplitOperation::None, image)
            };
            vec![record(5, Change::Split(change))]
        }
        2 => {
            let change = merge(source.one_of(&KINDS), image);
            let flags = match change.kind {
                MergeKind::PartialRight | MergeKind::PartialLeft => MergeFlags::KEY_CHANGE,
                MergeKind::FullLeft => MergeFlags::KEY_CHANGE | MergeFlags::DELETE_NODE,
                _ => MergeFlags::DELETE_NODE,
            };
            let upper = MergeChange { flags, kind: MergeKind::None, ..change };
            let upper = PageRecord { line: 1, ..record(1, Change::Merge(upper)) };
            vec![upper, record(3, Change::Merge(change))]
        }
        _ => vec![record(
            3,
            Change::Move(PageMoveChange {
                destination: PageNumber(7),
                left: PageNumber(2),
                right: PageNumber(4),
                parent: PageNumber(1),
                left_before: BEFORE,
                right_before: BEFORE,
                parent_before: BEFORE,
                root: PageNumber(1),
                objid: OBJID,
                parent_line: 1,
                moved: MovedTree::empty(),
                head: parts.0,
                tail: parts.1,
            }),
        )],
    }
}

/// The operation that a split is for.
fn leaf(page: u32, operation: SplitOperation) -> Option<PageRecord<'static>> {
    let image = NodeImage { key: b"key125", data: b"data" };
    let change = match operation {
        SplitOperation::None => return None,
        SplitOperation::Insert => NodeChange::Insert { node: image, prefix: 0 },
        SplitOperation::Replace => NodeChange::Replace { data: image.data, old_len: 0 },
        SplitOperation::FlagInsertAndReplaceData => {
            NodeChange::FlagInsertAndReplaceData { node: image, replace_version: VersionId(5) }
        }
    };
    Some(node(page, change))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn bent_changes_of_several_pages_are_refused_or_leave_sound_pages(
        numbers in proptest::collection::vec(any::<u16>(), 100),
        rare in 5_u16..60,
        future: bool,
    ) {
        let mut source = Source { numbers, next: 0, rare };
        let mut pages = tree();
        let images: Vec<Vec<u8>> = pages.pages.values().map(|page| image_of(page)).collect();
        let root_image = images[4].clone();
        let image = dehydrated(&pages.pages[&3], 3000);
        let tags = 4 * PageHeader::parse(&images[2]).unwrap().tag_count();
        let parts = (&images[2][..1000], &images[2][8192 - tags..]);
        let mut records = good(&mut source, &image, parts);
        if let Change::Split(change) = &mut records[0].change
            && change.kind == SplitKind::Vertical
        {
            change.before_image = BeforeImage { bytes: &root_image, ..change.before_image };
        }
        source.records(&mut records, &images);
        for page in 1..=5 {
            if source.bends() {
                pages.pages.insert(page, image_of(&pages.pages[&page]));
            }
        }
        let operation = match records.as_slice() {
            [record] if source.below(4) != 0 => Operation::Record(record),
            records => Operation::Macro(records),
        };
        // What is checked after each change is in there.
        if pages.apply(&operation, future).is_ok() {
            for number in pages.pages.keys() {
                prop_assert!(pages.header(*number).dbtime.0 <= AFTER.0);
            }
        }
    }
}
