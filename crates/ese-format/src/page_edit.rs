//! Changing the nodes of a page.
//!
//! ```text
//! | header | line | line |  hole  | line |    room     | tag n | ... | tag 1 | tag 0 |
//!          ^ data area                   ^ first free  ^ tag array, grows down from the end
//! ```
//!
//! New lines come at the first free byte. Where the room there is too short, the lines are put one
//! behind the other first. Free bytes count holes; nothing is held back for a rollback, because
//! pages are only changed here where no reader needs what was before.
//!
//! All checks come before the first change: an error leaves the page as it was.
//!
//! Source: ESE `CPAGE::Insert_`, `CPAGE::Replace_`, `CPAGE::Delete_`, `CPAGE::ReorganizePage_`
//! (cpage.cxx), `NDInsert`, `NDReplace` (node.cxx).

use alloc::vec::Vec;

use crate::le::{Fixed, put, u16_at};
use crate::node::{LineError, NodeFlags, NodePage, SPLIT_BUFFER_LEN};
use crate::page::{LargePageHeader, PageFlags, PageHeader};
use crate::{DbTime, PageNumber, PageSize};

#[cfg(test)]
mod tests;

/// A sound page that is being changed.
#[derive(Debug)]
pub struct PageEdit<'a> {
    bytes: &'a mut [u8],
    header: PageHeader,
}

/// Why a page cannot be changed in this way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// The page has no such line.
    #[error("line {line}: the page has {count}")]
    NoLine {
        /// The line.
        line: usize,
        /// Lines that there are.
        count: usize,
    },
    /// A line that cannot be taken apart.
    #[error("line {line}: {source}")]
    Line {
        /// The line.
        line: usize,
        /// Why not.
        source: LineError,
    },
    /// The page is too full.
    #[error("{needed} bytes are needed, the page has {free}")]
    NoRoom {
        /// Bytes that are needed.
        needed: usize,
        /// Bytes that are free.
        free: usize,
    },
    /// A key or a node longer than any can be.
    #[error("a line of {len} bytes is longer than any can be")]
    TooLong {
        /// In bytes.
        len: usize,
    },
    /// A key that takes more of the page's prefix than there is.
    #[error("a key takes {wanted} bytes of the page's prefix, which has {found}")]
    Prefix {
        /// Bytes that it takes.
        wanted: usize,
        /// Bytes that there are.
        found: usize,
    },
}

/// Bits of the lengths of a key's parts. ESE: `usNDCbKeyMask`.
const KEY_LEN: usize = 0x1FFF;

/// The most tags that can be counted.
const MOST_TAGS: usize = 0x0FFF;

/// The length and the place of a line.
#[derive(Debug, Clone, Copy)]
struct Place {
    len: usize,
    offset: usize,
    /// The bits of the offset's word that are none of the offset.
    rest: u16,
}

impl<'a> PageEdit<'a> {
    /// Takes a page; `None` if its length is no page size.
    pub fn new(bytes: &'a mut [u8]) -> Option<Self> {
        let header = PageHeader::parse(bytes)?;
        Some(Self { bytes, header })
    }

    /// Makes an empty page: no lines, nothing in tag 0. `None` if the length is no page size.
    pub fn init(
        bytes: &'a mut [u8],
        number: PageNumber,
        objid: u32,
        flags: PageFlags,
        dbtime: DbTime,
    ) -> Option<Self> {
        let size = PageSize::new(u32::try_from(bytes.len()).ok()?)?;
        bytes.fill(0);
        let blank = PageHeader::parse(bytes)?;
        let free = size.bytes().checked_sub(size.page_header_len() + 4)?;
        let header = PageHeader {
            dbtime,
            objid,
            free: u16::try_from(free).ok()?,
            tag_state: 1,
            flags: flags | PageFlags::NEW_RECORD_FORMAT | PageFlags::NEW_CHECKSUM_FORMAT,
            large: blank.large.map(|large| LargePageHeader { number, ..large }),
            ..blank
        };
        header.write(bytes);
        Some(Self { bytes, header })
    }

    /// The page, to be read.
    pub fn view(&self) -> NodePage<'_> {
        NodePage::with_header(self.bytes, self.header)
    }

    /// Its header.
    pub fn header(&self) -> &PageHeader {
        &self.header
    }

    /// Free bytes, holes counted.
    pub fn room(&self) -> usize {
        usize::from(self.header.free)
    }

    /// Sets its dbtime.
    pub fn set_dbtime(&mut self, dbtime: DbTime) {
        self.header.dbtime = dbtime;
        dbtime.write(self.bytes, 8);
    }

    /// Sets its left sibling.
    pub fn set_previous(&mut self, previous: PageNumber) {
        self.header.previous = previous;
        previous.write(self.bytes, 16);
    }

    /// Sets its right sibling.
    pub fn set_next(&mut self, next: PageNumber) {
        self.header.next = next;
        next.write(self.bytes, 20);
    }

    /// Sets its object id.
    pub fn set_objid(&mut self, objid: u32) {
        self.header.objid = objid;
        objid.write(self.bytes, 24);
    }

    /// Sets its flags.
    pub fn set_flags(&mut self, flags: PageFlags) {
        self.header.flags = flags;
        flags.write(self.bytes, crate::page::FLAGS_AT);
    }

    /// Sets the free bytes that a rollback may take back.
    pub fn set_uncommitted_free(&mut self, uncommitted: u16) {
        self.header.uncommitted_free = uncommitted.min(self.header.free);
        self.header.uncommitted_free.write(self.bytes, 30);
    }

    /// Content of tag 0.
    pub fn external_header(&self) -> &[u8] {
        self.view().external_header().unwrap_or_default()
    }

    /// Sets the content of tag 0. The caller sees to it that the keys of the page still fit it.
    pub fn set_external_header(&mut self, content: &[u8]) -> Result<(), EditError> {
        if self.header.tag_count() == 0 {
            return Err(EditError::NoLine { line: 0, count: 0 });
        }
        self.replace(0, 0, content)
    }

    /// Puts a node in at `line`. The key begins with `prefix_len` bytes of the page's prefix.
    pub fn insert(
        &mut self,
        line: usize,
        flags: NodeFlags,
        prefix_len: usize,
        suffix: &[u8],
        data: &[u8],
    ) -> Result<(), EditError> {
        self.insert_parts(line, flags, prefix_len, [suffix, &[]], data)
    }

    /// The same with the rest of the key in two parts.
    pub fn insert_parts(
        &mut self,
        line: usize,
        flags: NodeFlags,
        prefix_len: usize,
        suffix: [&[u8]; 2],
        data: &[u8],
    ) -> Result<(), EditError> {
        let count = self.view().node_count();
        if line > count || self.header.tag_count() == 0 {
            return Err(EditError::NoLine { line, count });
        }
        let found = self.prefix_len();
        if prefix_len > found {
            return Err(EditError::Prefix { wanted: prefix_len, found });
        }
        let suffix_len = suffix.iter().map(|part| part.len()).sum::<usize>();
        let words = if prefix_len > 0 { 4 } else { 2 };
        let len = words + suffix_len + data.len();
        if suffix_len > KEY_LEN || prefix_len > KEY_LEN || len > self.longest() {
            return Err(EditError::TooLong { len });
        }
        let tags = self.header.tag_count();
        let (needed, free) = (len + 4, self.room());
        if needed > free || tags >= MOST_TAGS {
            return Err(EditError::NoRoom { needed, free });
        }
        if self.contiguous(tags + 1) < len {
            self.reorganise();
        }
        let mut flags = flags;
        flags.set(NodeFlags::COMPRESSED, prefix_len > 0);
        let index = self.header.reserved_tags() + line;
        let end = self.bytes.len();
        let offset = usize::from(self.header.first_free);
        let array = end.saturating_sub(4 * tags)..end.saturating_sub(4 * index);
        let to = array.start.saturating_sub(4);
        self.bytes.copy_within(array, to);
        self.set_tag(index, Place { len, offset, rest: self.tag_bits(flags) });
        let mut at = self.header_len() + offset;
        let mut write = |part: &[u8]| {
            put(self.bytes, at, part);
            at += part.len();
        };
        let bits = if self.header.large.is_some() { word_bits(flags) } else { 0 };
        if prefix_len > 0 {
            write(&(low_word(prefix_len) | bits).to_le_bytes());
            write(&low_word(suffix_len).to_le_bytes());
        } else {
            write(&(low_word(suffix_len) | bits).to_le_bytes());
        }
        write(suffix[0]);
        write(suffix[1]);
        write(data);
        self.header.tag_state += 1;
        self.set_room(free - needed, offset + len);
        Ok(())
    }

    /// Removes a node.
    pub fn remove(&mut self, line: usize) -> Result<(), EditError> {
        let (index, place) = self.place(line)?;
        let tags = self.header.tag_count();
        let end = self.bytes.len();
        let array = end.saturating_sub(4 * tags)..end.saturating_sub(4 * (index + 1));
        let to = array.start + 4;
        self.bytes.copy_within(array, to);
        let first_free = usize::from(self.header.first_free);
        let is_last = place.offset + place.len == first_free;
        self.header.tag_state -= 1;
        let first_free = if is_last { place.offset } else { first_free };
        self.set_room(self.room() + place.len + 4, first_free);
        Ok(())
    }

    /// Removes all nodes from `line` on.
    pub fn truncate(&mut self, line: usize) {
        for last in (line..self.view().node_count()).rev() {
            if self.remove(last).is_err() {
                break;
            }
        }
    }

    /// Sets the flags of a node; whether it is compressed stays.
    pub fn set_node_flags(&mut self, line: usize, flags: NodeFlags) -> Result<(), EditError> {
        let (index, place) = self.place(line)?;
        let node = self.node_line(line)?;
        let mut flags = flags;
        flags.set(NodeFlags::COMPRESSED, node.0.contains(NodeFlags::COMPRESSED));
        if self.header.large.is_some() {
            let at = self.header_len() + place.offset;
            let word = u16_at(self.bytes, at) & low_word(KEY_LEN) | word_bits(flags);
            put(self.bytes, at, &word.to_le_bytes());
        } else {
            self.set_tag(index, Place { rest: word_bits(flags), ..place });
        }
        Ok(())
    }

    /// Replaces the data of a node; its key and flags stay.
    pub fn replace_data(&mut self, line: usize, data: &[u8]) -> Result<(), EditError> {
        let (index, place) = self.place(line)?;
        let (_, data_len) = self.node_line(line)?;
        self.replace(index, place.len.saturating_sub(data_len), data)
    }

    /// The data of a node, to be changed in place.
    pub fn data_mut(&mut self, line: usize) -> Result<&mut [u8], EditError> {
        let (_, place) = self.place(line)?;
        let (_, data_len) = self.node_line(line)?;
        let end = self.header_len() + place.offset + place.len;
        let found = self.bytes.get_mut(end.saturating_sub(data_len)..end);
        found.ok_or(EditError::Line { line, source: LineError::Outside })
    }

    /// Puts the lines one behind the other, and fills what is free.
    pub fn fill_free(&mut self, byte: u8) {
        self.reorganise();
        let from = self.header_len() + usize::from(self.header.first_free);
        let to = self.bytes.len().saturating_sub(4 * self.header.tag_count());
        if let Some(free) = self.bytes.get_mut(from..to) {
            free.fill(byte);
        }
    }

    /// Keeps `kept` bytes of a line, and puts `content` behind them.
    fn replace(&mut self, index: usize, kept: usize, content: &[u8]) -> Result<(), EditError> {
        let place = self.tag(index);
        let len = kept + content.len();
        if len > self.longest() {
            return Err(EditError::TooLong { len });
        }
        let (needed, free) = (len.saturating_sub(place.len), self.room());
        if needed > free {
            return Err(EditError::NoRoom { needed, free });
        }
        let tags = self.header.tag_count();
        let first_free = usize::from(self.header.first_free);
        let is_last = place.offset + place.len == first_free;
        let free = free + place.len - len;
        if len <= place.len || (is_last && needed <= self.contiguous(tags)) {
            put(self.bytes, self.header_len() + place.offset + kept, content);
            let offset = if len == 0 { 0 } else { place.offset };
            self.set_tag(index, Place { len, offset, ..place });
            let first_free = if is_last { place.offset + len } else { first_free };
            self.set_room(free, first_free);
            return Ok(());
        }
        let mut place = place;
        if len > self.contiguous(tags) {
            self.reorganise();
            place = self.tag(index);
        }
        let from = self.header_len() + place.offset;
        let key = self.bytes.get(from..from + kept).unwrap_or_default();
        if len > self.contiguous(tags) {
            // Without the line as it is now there is room enough.
            let key = key.to_vec();
            self.set_tag(index, Place { len: 0, offset: 0, ..place });
            self.reorganise();
            let at = self.header_len() + usize::from(self.header.first_free);
            put(self.bytes, at, &key);
        } else {
            let at = self.header_len() + usize::from(self.header.first_free);
            self.bytes.copy_within(from..from + kept, at);
        }
        let offset = usize::from(self.header.first_free);
        put(self.bytes, self.header_len() + offset + kept, content);
        self.set_tag(index, Place { len, offset, ..place });
        self.set_room(free, offset + len);
        Ok(())
    }

    /// Puts the lines one behind the other in the order in which they lie.
    fn reorganise(&mut self) {
        let tags = self.header.tag_count();
        let mut order: Vec<(usize, Place)> = (0..tags).map(|i| (i, self.tag(i))).collect();
        order.sort_by_key(|(index, place)| (place.offset, *index));
        let header = self.header_len();
        let mut end = 0;
        for (index, place) in order {
            let from = header + place.offset;
            if place.len > 0 && from + place.len <= self.bytes.len() && end <= place.offset {
                self.bytes.copy_within(from..from + place.len, header + end);
                self.set_tag(index, Place { offset: end, ..place });
                end += place.len;
            } else {
                self.set_tag(index, Place { offset: 0, ..place });
            }
        }
        self.set_room(self.room(), end);
    }

    fn header_len(&self) -> usize {
        if self.header.large.is_some() { 80 } else { 40 }
    }

    /// The longest line.
    fn longest(&self) -> usize {
        if self.header.large.is_some() { 0x7FFF } else { 0x1FFF }
    }

    /// Bytes of the page's prefix.
    fn prefix_len(&self) -> usize {
        let external = self.external_header().len();
        let flags = self.header.flags;
        match flags.contains(PageFlags::ROOT) {
            false => external,
            true if flags.contains(PageFlags::SPACE_TREE) => {
                external.saturating_sub(SPLIT_BUFFER_LEN)
            }
            true => 0,
        }
    }

    /// Free bytes in one piece, with so many tags.
    fn contiguous(&self, tags: usize) -> usize {
        let used = self.header_len() + usize::from(self.header.first_free) + 4 * tags;
        self.bytes.len().saturating_sub(used)
    }

    fn place(&self, line: usize) -> Result<(usize, Place), EditError> {
        let count = self.view().node_count();
        if line >= count {
            return Err(EditError::NoLine { line, count });
        }
        let index = self.header.reserved_tags() + line;
        Ok((index, self.tag(index)))
    }

    /// Flags of a node, and the length of its data.
    fn node_line(&self, line: usize) -> Result<(NodeFlags, usize), EditError> {
        let found = self.view().line(line).map_err(|source| EditError::Line { line, source })?;
        Ok((found.node.flags, found.node.data.len()))
    }

    fn tag(&self, index: usize) -> Place {
        let at = self.bytes.len().saturating_sub(4 * (index + 1));
        let (len, offset) = (u16_at(self.bytes, at), u16_at(self.bytes, at + 2));
        let mask = low_word(self.longest());
        Place {
            len: usize::from(len & mask),
            offset: usize::from(offset & mask),
            rest: offset & !mask,
        }
    }

    fn set_tag(&mut self, index: usize, place: Place) {
        let at = self.bytes.len().saturating_sub(4 * (index + 1));
        put(self.bytes, at, &low_word(place.len).to_le_bytes());
        put(self.bytes, at + 2, &(low_word(place.offset) | place.rest).to_le_bytes());
    }

    fn tag_bits(&self, flags: NodeFlags) -> u16 {
        if self.header.large.is_some() { 0 } else { word_bits(flags) }
    }

    fn set_room(&mut self, free: usize, first_free: usize) {
        self.header.free = low_word(free);
        self.header.first_free = low_word(first_free);
        self.header.uncommitted_free = 0;
        self.header.free.write(self.bytes, 28);
        self.header.uncommitted_free.write(self.bytes, 30);
        self.header.first_free.write(self.bytes, 32);
        self.header.tag_state.write(self.bytes, 34);
    }
}

/// A number that a word holds.
fn low_word(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

/// Flags of a node at the place that they have in a word.
fn word_bits(flags: NodeFlags) -> u16 {
    u16::from(flags.bits() & 7) << 13
}
