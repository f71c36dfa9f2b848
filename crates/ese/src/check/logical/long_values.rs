//! Long values: keys, roots and chunks.
//!
//! ```text
//! root     id               references, size
//! chunk    id, 0            bytes 0 to c
//! chunk    id, c            bytes c to 2c         every chunk but the last has c bytes
//! chunk    id, 2c           bytes 2c to the size
//! ```
//!
//! A chunk that is stored in fewer bytes is compressed; how many it must hold is known when the
//! next one is seen, or the end of the value. So the last chunk is kept until then. A value may
//! begin in one part of the tree and end in another: what is open at the edges of the parts is
//! joined when all are over, and a chunk that is needed then is read again.

use std::cmp::Ordering;

use ese_format::PageNumber;
use ese_format::compression::{CompressionError, decompress};
use ese_format::long_value::{Lid, LvKey, LvRoot, chunk_len};

use super::each_live_node;
use super::record_values::is_opaque;
use super::state::{Logical, TableCheck};
use super::sums::Sum;
use crate::check::finding::Code;
use crate::check::visit::{LeafVisitor, PartEnd};
use crate::{PageRef, Tree};

static KEY: Code = Code::error("lv-key", "restore the database from an older backup");
static ROOT: Code = Code::error("lv-root", "restore the database from an older backup");
static CHUNK: Code = Code::error("lv-chunk", "restore the database from an older backup");
static DATA: Code = Code::error("lv-data", "restore the database from an older backup");
static LEFTOVER: Code = Code::note("lv-leftover", "nothing; the engine deletes it in its time");
static OPAQUE: Code =
    Code::warning("lv-opaque", "nothing; the value cannot be looked into without its application");

/// A run of chunks of one value.
#[derive(Debug, Clone, Copy)]
struct Run {
    first: Chunk,
    last: Chunk,
    /// Bytes of each chunk but the last, as far as known.
    chunk_len: Option<u32>,
}

/// A chunk whose length is not judged yet.
#[derive(Debug, Clone, Copy)]
struct Chunk {
    offset: u32,
    /// Bytes as stored.
    len: usize,
    page: PageNumber,
}

/// A value that may go on.
#[derive(Debug)]
struct Open {
    lid: Lid,
    /// The root, if it is in the same part, and its page.
    root: Option<(LvRoot, PageNumber)>,
    run: Option<Run>,
    /// Whether something was found already; one finding for a value is enough.
    failed: bool,
    /// What was found in chunks whose root is not known yet: of no interest if it turns out that
    /// they are encrypted.
    held_back: Option<(PageNumber, String)>,
}

/// What is open at the edges of a part.
#[derive(Debug, Default)]
pub(super) struct LvPart {
    /// Chunks whose root can only be in a part before.
    head: Option<Open>,
    /// Whether anything followed the head.
    is_head_over: bool,
    /// The last value that has a root.
    tail: Option<Open>,
}

/// Looks at the nodes of a part of a tree of long values.
#[derive(Debug)]
pub(super) struct LongValueVisitor<'c> {
    judge: Judge<'c>,
    part: LvPart,
    /// Nothing can be in a part before: a root was seen, or chunks of a second value.
    is_inside: bool,
    referred: Sum,
    long_values: u64,
}

/// Judges chunks and values.
#[derive(Debug)]
struct Judge<'c> {
    logical: &'c Logical<'c>,
    table: &'c TableCheck,
    /// Chunk size that the table sets.
    chunk_max: Option<u32>,
    /// Chunk sizes that are possible.
    chunk_lens: [u32; 3],
    /// Data of the last chunk seen.
    pending: Vec<u8>,
    plain: Vec<u8>,
}

impl<'c> LongValueVisitor<'c> {
    pub(super) fn new(logical: &'c Logical<'c>, table: &'c TableCheck) -> Self {
        Self {
            judge: Judge::new(logical, table),
            part: LvPart::default(),
            is_inside: false,
            referred: Sum::default(),
            long_values: 0,
        }
    }

    fn node(&mut self, page: PageNumber, key: &[u8], data: &[u8]) {
        match LvKey::parse(key) {
            None => self.judge.find(&KEY, page, key, || {
                format!("a key of {} bytes is none of a root or a chunk", key.len())
            }),
            Some(LvKey::Root(lid)) => self.root(page, lid, data),
            Some(LvKey::Chunk(lid, offset)) => {
                let chunk = Chunk { offset, len: data.len(), page };
                self.chunk(lid, chunk, data);
            }
        }
    }

    fn root(&mut self, page: PageNumber, lid: Lid, data: &[u8]) {
        self.end_value();
        let Some(root) = LvRoot::parse(data) else {
            self.judge.find(&ROOT, page, &lid.root_key(), || {
                format!("the root of long value {lid} has {} bytes, expected 8 or 9", data.len())
            });
            // Its chunks have a root, though a bad one.
            self.part.tail = Some(Open { failed: true, ..Open::new(lid, None) });
            return;
        };
        self.long_values += 1;
        if is_left_over(&root) {
            self.judge.find(&LEFTOVER, page, &lid.root_key(), || {
                format!("long value {lid} waits for its deletion (references {:#x})", root.refcount)
            });
        } else {
            self.referred.add_times(self.judge.logical.seed.lid(lid), root.refcount);
        }
        self.part.tail = Some(Open::new(lid, Some((root, page))));
    }

    fn chunk(&mut self, lid: Lid, chunk: Chunk, data: &[u8]) {
        let open = match &mut self.part {
            LvPart { tail: Some(open), .. }
            | LvPart { head: Some(open), is_head_over: false, .. }
                if open.lid == lid =>
            {
                open
            }
            _ if self.is_inside => {
                self.end_value();
                self.judge.without_root(lid, &chunk);
                // Said once for all its chunks.
                self.part.tail = Some(Open { failed: true, ..Open::new(lid, None) });
                return;
            }
            part => {
                self.is_inside = true;
                part.head.insert(Open::new(lid, None))
            }
        };
        self.judge.chunk(open, chunk, data);
    }

    /// The value at hand is over.
    fn end_value(&mut self) {
        self.part.is_head_over = true;
        self.is_inside = true;
        if let Some(open) = self.part.tail.take() {
            self.judge.end(open, None);
        }
    }
}

impl LeafVisitor for LongValueVisitor<'_> {
    fn leaf(&mut self, page: &PageRef) {
        each_live_node(page, |key, data| self.node(page.number(), key, data));
    }

    fn finish(self: Box<Self>, part: &PartEnd) {
        let mut state = self.judge.table.lock();
        state.long_values.add(part);
        state.referred.merge(&self.referred);
        state.statistics.long_values += self.long_values;
        state.lv_parts.push((part.position, self.part));
    }
}

/// Joins what is open at the edges of the parts of a tree, once all are over.
pub(super) fn join(logical: &Logical<'_>, table: &TableCheck) {
    let Some(tree) = table.long_values() else { return };
    let mut parts = std::mem::take(&mut table.lock().lv_parts);
    parts.sort_by_key(|(position, _)| *position);
    let mut judge = Judge::new(logical, table);
    let mut open: Option<Open> = None;
    for (_, part) in parts {
        if let Some(head) = part.head {
            match &mut open {
                Some(open) if open.lid == head.lid => judge.join(tree, open, head),
                _ => {
                    if let Some(open) = open.take() {
                        judge.end(open, Some(tree));
                    }
                    if let Some(run) = head.run {
                        judge.without_root(head.lid, &run.first);
                    }
                    // Said once for all its chunks.
                    open = Some(Open { failed: true, ..Open::new(head.lid, None) });
                }
            }
        }
        if part.is_head_over || part.tail.is_some() {
            if let Some(open) = open.take() {
                judge.end(open, Some(tree));
            }
            open = part.tail;
        }
    }
    if let Some(open) = open {
        judge.end(open, Some(tree));
    }
}

/// Whether a value waits for its deletion: no record may refer to it.
pub(super) fn is_left_over(root: &LvRoot) -> bool {
    root.refcount == 0 || root.refcount >> 31 != 0
}

impl<'c> Judge<'c> {
    fn new(logical: &'c Logical<'c>, table: &'c TableCheck) -> Self {
        let chunk_max = table.rules.table.lv_chunk_max.filter(|len| *len != 0);
        let page_size = table.records.pages().page_size();
        // Large pages had one chunk each at first, as small ones have.
        let of_page = [chunk_len(page_size), page_size.get().saturating_sub(82)];
        let [usual, first] = of_page;
        let chunk_lens = [chunk_max.unwrap_or(usual), usual, first];
        Self { logical, table, chunk_max, chunk_lens, pending: Vec::new(), plain: Vec::new() }
    }

    /// The next chunk of a value.
    fn chunk(&mut self, open: &mut Open, chunk: Chunk, data: &[u8]) {
        if !open.is_judged() {
            return;
        }
        if self.chunk_max.is_some_and(|len| !chunk.offset.is_multiple_of(len)) {
            let len = self.chunk_max.unwrap_or_default();
            self.fail(&CHUNK, open, chunk.page, || {
                format!("a chunk lies at {}, expected a multiple of {len}", chunk.offset)
            });
            return;
        }
        let run = match open.run {
            Some(run) => {
                let distance = chunk.offset.saturating_sub(run.last.offset);
                self.distance(open, &chunk, run.chunk_len, distance);
                self.length(open, &run.last, distance, None);
                Run { last: chunk, chunk_len: Some(run.chunk_len.unwrap_or(distance)), ..run }
            }
            None => {
                if open.root.is_some() && chunk.offset != 0 {
                    self.fail(&DATA, open, chunk.page, || {
                        format!("the first chunk lies at {}, expected one at 0", chunk.offset)
                    });
                }
                Run { first: chunk, last: chunk, chunk_len: None }
            }
        };
        open.run = Some(run);
        self.pending.clear();
        // A chunk as long as the others is not compressed, and not needed again.
        if !run.chunk_len.is_some_and(|len| usize::try_from(len) == Ok(chunk.len)) {
            self.pending.extend_from_slice(data);
        }
    }

    /// The value goes on in the next part.
    fn join(&mut self, tree: &Tree, open: &mut Open, head: Open) {
        if let Some((page, what)) = head.held_back.filter(|_| open.is_judged()) {
            self.fail(&DATA, open, page, || what);
        }
        let Some(next) = head.run.filter(|_| open.is_judged()) else { return };
        let first = next.first;
        let run = match open.run {
            Some(run) => {
                let distance = first.offset.saturating_sub(run.last.offset);
                self.distance(open, &first, run.chunk_len, distance);
                self.length(open, &run.last, distance, Some(tree));
                let chunk_len = run.chunk_len.unwrap_or(distance);
                if next.chunk_len.is_some_and(|len| len != chunk_len) {
                    self.distance(open, &first, next.chunk_len, chunk_len);
                }
                Run { chunk_len: Some(chunk_len), last: next.last, ..run }
            }
            None => {
                if first.offset != 0 {
                    self.fail(&DATA, open, first.page, || {
                        format!("the first chunk lies at {}, expected one at 0", first.offset)
                    });
                }
                next
            }
        };
        open.run = Some(run);
    }

    /// A value is over: its last chunk must end where the value does. `tree` if the chunk is to be
    /// read again.
    fn end(&mut self, mut open: Open, tree: Option<&Tree>) {
        let Some((root, page)) = open.root.filter(|_| open.is_judged()) else { return };
        let Some(run) = open.run else {
            if root.size != 0 {
                self.fail(&DATA, &mut open, page, || {
                    format!("none of its {} bytes is stored", root.size)
                });
            }
            return;
        };
        let Some(rest) = root.size.checked_sub(run.last.offset).filter(|rest| *rest != 0) else {
            self.fail(&DATA, &mut open, run.last.page, || {
                format!("a chunk lies at {}, but it has {} bytes", run.last.offset, root.size)
            });
            return;
        };
        let most = self.chunk_lens.iter().copied().max().unwrap_or(u32::MAX);
        if let Some(len) = Some(run.chunk_len.unwrap_or(most)).filter(|len| rest > *len) {
            let found = run.last.offset.saturating_add(len);
            self.fail(&DATA, &mut open, run.last.page, || {
                format!("chunks of {len} bytes end at {found}, but it has {} bytes", root.size)
            });
            return;
        }
        self.length(&mut open, &run.last, rest, tree);
    }

    /// Chunks must lie at equal distances, which are a size that chunks have.
    fn distance(&self, open: &mut Open, chunk: &Chunk, known: Option<u32>, found: u32) {
        let expected = match known {
            Some(known) if known == found => return,
            None if self.chunk_lens.contains(&found) => return,
            known => known.unwrap_or_else(|| self.chunk_lens.first().copied().unwrap_or_default()),
        };
        self.fail(&DATA, open, chunk.page, || {
            format!("a chunk lies {found} bytes behind the one before, expected {expected}")
        });
    }

    /// A chunk must hold `expected` bytes, compressed or not.
    fn length(&mut self, open: &mut Open, chunk: &Chunk, expected: u32, tree: Option<&Tree>) {
        if open.failed {
            return;
        }
        let Ok(expected) = usize::try_from(expected) else { return };
        let found = match chunk.len.cmp(&expected) {
            Ordering::Equal => return,
            Ordering::Greater => Ok(chunk.len),
            Ordering::Less => self.decompressed_len(open.lid, chunk, tree),
        };
        match found {
            Ok(found) if found == expected => {}
            Ok(found) => self.fail(&DATA, open, chunk.page, || {
                format!("the chunk at {} has {found} bytes, expected {expected}", chunk.offset)
            }),
            Err(error) if is_opaque(&error) => {
                let key = open.lid.chunk_key(chunk.offset);
                let lid = open.lid;
                self.find(&OPAQUE, chunk.page, &key, || format!("long value {lid}: {error}"));
            }
            Err(error) => self.fail(&DATA, open, chunk.page, || {
                let Chunk { offset, len, .. } = chunk;
                format!("the chunk at {offset} has {len} of {expected} bytes, and {error}")
            }),
        }
    }

    fn decompressed_len(
        &mut self,
        lid: Lid,
        chunk: &Chunk,
        tree: Option<&Tree>,
    ) -> Result<usize, CompressionError> {
        if let Some(tree) = tree {
            self.pending.clear();
            let mut cursor = tree.cursor();
            // What cannot be read was found by those who read it in its turn.
            if cursor.seek_exact(&lid.chunk_key(chunk.offset)).unwrap_or(false) {
                self.pending.extend(cursor.node().ok().iter().flat_map(|node| node.data));
            }
        }
        self.plain.clear();
        decompress(&self.pending, &mut self.plain)?;
        Ok(self.plain.len())
    }

    fn without_root(&self, lid: Lid, chunk: &Chunk) {
        self.find(&CHUNK, chunk.page, &lid.chunk_key(chunk.offset), || {
            format!("chunks of long value {lid}, which has no root")
        });
    }

    /// Something is wrong with a value; the first such finding is enough.
    fn fail(
        &self,
        code: &'static Code,
        open: &mut Open,
        page: PageNumber,
        what: impl FnOnce() -> String,
    ) {
        if open.failed {
            return;
        }
        open.failed = true;
        if open.root.is_none() {
            open.held_back = Some((page, what()));
        } else {
            let lid = open.lid;
            self.find(code, page, &lid.root_key(), || format!("long value {lid}: {}", what()));
        }
    }

    fn find(
        &self,
        code: &'static Code,
        page: PageNumber,
        key: &[u8],
        message: impl FnOnce() -> String,
    ) {
        let mut place = self.table.rules.place();
        place.index = Some("LV".into());
        self.logical.findings.add(code, place.on(page).at(key), message);
    }
}

impl Open {
    fn new(lid: Lid, root: Option<(LvRoot, PageNumber)>) -> Self {
        Self { lid, root, run: None, failed: false, held_back: None }
    }

    /// Whether its chunks are judged: not those of encrypted values, nor of those whose deletion
    /// has begun, which may have lost some.
    fn is_judged(&self) -> bool {
        let of_no_use = |root: &LvRoot| root.is_encrypted() || root.refcount >> 31 != 0;
        !self.failed && !self.root.is_some_and(|(root, _)| of_no_use(&root))
    }
}
