//! How an index makes keys: its columns, their order, limits and rules.
//!
//! The rules come from the flags of the index in the catalog (ESE: `fidb`, and above it the
//! extended flags):
//!
//! ```text
//! 00002  a key of NULLs only is kept         02000  cross product of multi-valued columns
//! 00004  a key whose first is NULL is kept   08000  nested: n-th value of each column together
//! 00008  a key with some NULL is kept        20000  GUIDs in the order of .NET
//! 00080  a column is multi-valued
//! 00800  NULL sorts high
//! ```
//!
//! Source: ESE `IDB` (idb.hxx), `IDXSEG`, `LE_TUPLELIMITS`.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::collation::Collation;
use crate::catalog::TupleLimits;
use crate::column::{ColumnClass, ColumnId, ColumnType, UNICODE};

/// The most segments of a key. ESE: `JET_ccolKeyMost`.
pub const MAX_SEGMENTS: usize = 16;

/// Bytes of the longest key unless the index says another number. ESE: `JET_cbKeyMost_OLD`.
pub const DEFAULT_KEY_MOST: u16 = 255;

/// Bytes of the longest key that any index may ask for. ESE: `cbKeyMostMost`.
pub const MAX_KEY_MOST: u16 = 2000;

const ALL_NULLS: u32 = 0x0002;
const FIRST_NULL: u32 = 0x0004;
const SOME_NULLS: u32 = 0x0008;
const MULTI_VALUED: u32 = 0x0080;
const NULLS_HIGH: u32 = 0x0800;
const CROSS_PRODUCT: u32 = 0x2000;
const NESTED: u32 = 0x8000;
const DOT_NET_GUID: u32 = 0x2_0000;

/// `LCMapString` flags: text is mapped to upper case instead of to a sort key.
const LCMAP_UPPERCASE: u32 = 0x200;
/// `LCMapString` flags: sort keys do not tell case.
const IGNORE_CASE: u32 = 0x1 | 0x10;

/// A column as its keys need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyColumn {
    /// Its id; tells whether values lie in the fixed part of a record.
    pub id: ColumnId,
    /// Type of its values.
    pub ty: ColumnType,
    /// Code page of text; not looked at for other types.
    pub code_page: u16,
    /// Bytes of every value of a binary column in the fixed part; not looked at elsewhere.
    pub size: u16,
    /// Whether it may have several values.
    pub multi_valued: bool,
    /// The caller's own number for it; a [`KeySource`](super::KeySource) finds it here.
    pub slot: usize,
}

impl KeyColumn {
    /// A column with one value, text in code page 1252, slot 0, for changing what differs.
    pub fn new(id: ColumnId, ty: ColumnType) -> Self {
        Self { id, ty, code_page: 1252, size: 0, multi_valued: false, slot: 0 }
    }

    /// Whether its keys are sort keys of Windows.
    pub fn is_unicode(&self) -> bool {
        self.ty.is_text() && self.code_page == UNICODE
    }

    /// Bytes of a character; 1 for binary.
    pub(super) fn character(&self) -> usize {
        if self.is_unicode() { 2 } else { 1 }
    }

    /// Whether values are taken as they are, all of one length.
    pub(super) fn is_binary_of_fixed_part(&self) -> bool {
        self.ty.is_binary() && self.id.class() == ColumnClass::Fixed
    }
}

/// One column of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// The column.
    pub column: KeyColumn,
    /// Whether high values come first.
    pub descending: bool,
}

impl Segment {
    /// Low values first.
    pub fn ascending(column: KeyColumn) -> Self {
        Self { column, descending: false }
    }

    /// High values first.
    pub fn descending(column: KeyColumn) -> Self {
        Self { column, descending: true }
    }

    /// What every byte of the segment is combined with.
    pub(super) fn complement(&self) -> u8 {
        if self.descending { 0xFF } else { 0 }
    }
}

/// A record is in the index only if this column is NULL, or only if it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Condition {
    /// The column.
    pub column: KeyColumn,
    /// Whether it must be NULL; otherwise it must have a value.
    pub must_be_null: bool,
}

/// How the first column of a tuple index is taken to pieces, in characters (binary: bytes).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tuples {
    /// The shortest piece.
    pub shortest: u32,
    /// The longest piece.
    pub longest: u32,
    /// The most pieces of one value.
    pub count: u32,
    /// From one piece to the next.
    pub step: u32,
    /// Where the first one begins.
    pub start: u32,
}

impl Tuples {
    /// The most pieces of one value. ESE: `ichIDXTuplesToIndexMaxAbsolute`.
    pub const MAX_COUNT: u32 = 0x7FFF;
    /// The longest piece. ESE: `cchIDXTuplesLengthMaxAbsolute`.
    pub const MAX_LONGEST: u32 = 255;
    /// The last byte of a value that a piece may reach.
    pub const MAX_REACH: usize = 4 << 20;

    /// The pieces of a value in whose code page a character has `character` bytes.
    pub(super) fn pieces<'v>(
        &self,
        value: &'v [u8],
        character: usize,
    ) -> impl Iterator<Item = &'v [u8]> + use<'v> {
        let shortest = bytes(self.shortest, character);
        let longest = self.longest_len(character);
        let begins = (bytes(self.start, character)..).step_by(bytes(self.step, character).max(1));
        let pieces = begins.take(bytes(self.count, 1)).map(move |begin| {
            let rest = value.get(begin..).unwrap_or_default();
            rest.get(..longest).unwrap_or(rest)
        });
        pieces.take_while(move |piece| piece.len() >= shortest)
    }

    /// Bytes of the longest piece.
    pub(super) fn longest_len(&self, character: usize) -> usize {
        bytes(self.longest, character)
    }

    /// Bytes from the beginning of a value up to the end of its last possible piece.
    pub(super) fn reach(&self, character: usize) -> usize {
        let last = u64::from(self.step) * u64::from(self.count.saturating_sub(1));
        let characters = u64::from(self.start) + last + u64::from(self.longest);
        usize::try_from(characters).unwrap_or(usize::MAX).saturating_mul(character)
    }

    fn is_sound(&self, character: usize) -> bool {
        (1..=self.longest).contains(&self.shortest)
            && self.longest <= Self::MAX_LONGEST
            && (1..=Self::MAX_COUNT).contains(&self.count)
            && self.step > 0
            && self.reach(character) <= Self::MAX_REACH
    }
}

/// As the catalog has them.
impl From<TupleLimits> for Tuples {
    fn from(limits: TupleLimits) -> Self {
        Self {
            shortest: limits.min_len,
            longest: limits.max_len,
            count: limits.max_to_index,
            step: limits.increment,
            start: limits.start,
        }
    }
}

/// Bytes of so many characters.
fn bytes(characters: u32, character: usize) -> usize {
    usize::try_from(characters).unwrap_or(usize::MAX).saturating_mul(character)
}

/// What the catalog says of an index, as far as keys depend on it.
#[derive(Debug, Clone, Default)]
pub struct KeyDescription {
    /// Flags of the index, the extended ones in the upper half.
    pub flags: u32,
    /// The columns, in order of the key.
    pub segments: Vec<Segment>,
    /// Conditions for a record to be in the index.
    pub conditions: Vec<Condition>,
    /// Bytes of the longest key, if not [`DEFAULT_KEY_MOST`].
    pub key_most: Option<u16>,
    /// Bytes of the longest segment of text or binary, if limited.
    pub var_seg_mac: Option<u16>,
    /// Of a tuple index.
    pub tuples: Option<Tuples>,
    /// Flags for `LCMapString`; matter only with Unicode text.
    pub lcmap_flags: u32,
    /// Makes sort keys for Unicode text; without it they are unknown.
    pub collation: Option<Arc<dyn Collation>>,
}

/// Why a description gives no keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DefinitionError {
    /// No column, or too many.
    #[error("an index of {0} columns; 1 to {MAX_SEGMENTS} are possible")]
    Segments(usize),
    /// A type that cannot be in a key.
    #[error("column {} is of type {ty}, which no index can have", id.number())]
    Type {
        /// The column.
        id: ColumnId,
        /// Its type.
        ty: ColumnType,
    },
    /// A length that no index can have.
    #[error("keys of at most {0} bytes; 1 to {MAX_KEY_MOST} are possible")]
    KeyMost(u16),
    /// A limit for segments that no index can have.
    #[error("segments of at most {0} bytes in keys of at most {1} bytes")]
    VarSegMac(u16, u16),
    /// Limits of a tuple index that no index can have, or over neither text nor binary.
    #[error("a tuple index with the limits {0:?} over a column of type {1}")]
    Tuples(Tuples, ColumnType),
}

/// How an index makes keys: a description that was checked.
#[derive(Debug, Clone)]
pub struct KeyDefinition {
    pub(super) segments: Vec<Segment>,
    pub(super) conditions: Vec<Condition>,
    flags: u32,
    pub(super) key_most: usize,
    /// One more than `key_most` if there is no limit.
    pub(super) var_seg_mac: usize,
    pub(super) tuples: Option<Tuples>,
    lcmap_flags: u32,
    pub(super) collation: Option<Arc<dyn Collation>>,
    /// Segments that are expanded, each value giving keys of its own; ascending.
    pub(super) expanded: Vec<usize>,
    has_unicode: bool,
}

impl KeyDefinition {
    /// Checks a description.
    pub fn new(description: KeyDescription) -> Result<Self, DefinitionError> {
        let KeyDescription { flags, segments, conditions, tuples, .. } = description;
        if segments.is_empty() || segments.len() > MAX_SEGMENTS {
            return Err(DefinitionError::Segments(segments.len()));
        }
        for Segment { column, .. } in &segments {
            if column.ty.fixed_len().is_none() && !column.ty.is_text() && !column.ty.is_binary() {
                return Err(DefinitionError::Type { id: column.id, ty: column.ty });
            }
        }
        let key_most = description.key_most.unwrap_or(DEFAULT_KEY_MOST);
        if key_most == 0 || key_most > MAX_KEY_MOST {
            return Err(DefinitionError::KeyMost(key_most));
        }
        let var_seg_mac = description.var_seg_mac.unwrap_or(key_most);
        if var_seg_mac == 0 || var_seg_mac > key_most {
            return Err(DefinitionError::VarSegMac(var_seg_mac, key_most));
        }
        if let (Some(tuples), Some(Segment { column, .. })) = (tuples, segments.first()) {
            let piecewise = column.ty.is_text() || column.ty.is_binary();
            if !piecewise || !tuples.is_sound(column.character()) {
                return Err(DefinitionError::Tuples(tuples, column.ty));
            }
        }
        let key_most = usize::from(key_most);
        let var_seg_mac = match usize::from(var_seg_mac) {
            unlimited if unlimited == key_most => key_most + 1,
            limit => limit,
        };
        Ok(Self {
            expanded: expanded_segments(flags, &segments),
            has_unicode: segments.iter().any(|segment| segment.column.is_unicode()),
            segments,
            conditions,
            flags,
            key_most,
            var_seg_mac,
            tuples,
            lcmap_flags: description.lcmap_flags,
            collation: description.collation,
        })
    }

    /// The columns, in order of the key.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The conditions for a record to be in the index.
    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    /// Bytes of the longest key.
    pub fn key_most(&self) -> usize {
        self.key_most
    }

    /// Whether every key is known byte by byte: no Unicode text, or a collation for it. (A
    /// collation may still refuse a text; then that key is a pattern.)
    pub fn is_exact(&self) -> bool {
        !self.has_unicode || self.collation.is_some()
    }

    /// Whether a column is Unicode text.
    pub fn has_unicode(&self) -> bool {
        self.has_unicode
    }

    /// Whether a record may have more than one key.
    pub fn is_multi_valued(&self) -> bool {
        self.tuples.is_some() || !self.expanded.is_empty()
    }

    /// Whether a record whose first column is NULL has no key at all, so that an index over a
    /// rare column need not be looked at for every record. (A default is a value too.)
    pub fn needs_first_value(&self) -> bool {
        self.tuples.is_some() || !self.has(FIRST_NULL) && !self.has(ALL_NULLS)
    }

    pub(super) fn keeps_all_nulls(&self) -> bool {
        self.has(ALL_NULLS)
    }

    pub(super) fn keeps_first_null(&self) -> bool {
        self.has(FIRST_NULL)
    }

    pub(super) fn keeps_some_nulls(&self) -> bool {
        self.has(SOME_NULLS)
    }

    pub(super) fn is_nested(&self) -> bool {
        self.has(NESTED)
    }

    pub(super) fn dot_net_guid(&self) -> bool {
        self.has(DOT_NET_GUID)
    }

    /// Prefix of a NULL.
    pub(super) fn null_prefix(&self) -> u8 {
        if self.has(NULLS_HIGH) { 0xC0 } else { 0 }
    }

    /// Whether Unicode text is mapped to upper case instead of to a sort key.
    pub(super) fn maps_to_upper_case(&self) -> bool {
        self.lcmap_flags & LCMAP_UPPERCASE != 0
    }

    /// Whether Unicode texts that differ in case only have the same sort key.
    pub(super) fn ignores_case(&self) -> bool {
        self.maps_to_upper_case() || self.lcmap_flags & IGNORE_CASE != 0
    }

    /// Indexes with keys of the old length look at no more than that many bytes of a value.
    pub(super) fn cuts_values(&self) -> bool {
        self.key_most == usize::from(DEFAULT_KEY_MOST)
    }

    fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }
}

/// Without cross product and nesting only the first multi-valued column is expanded.
fn expanded_segments(flags: u32, segments: &[Segment]) -> Vec<usize> {
    if flags & MULTI_VALUED == 0 {
        return Vec::new();
    }
    let most = if flags & (CROSS_PRODUCT | NESTED) == 0 { 1 } else { MAX_SEGMENTS };
    let several = |segment: &Segment| {
        segment.column.multi_valued && segment.column.id.class() == ColumnClass::Tagged
    };
    let numbered = segments.iter().enumerate();
    numbered.filter(|(_, segment)| several(segment)).map(|(index, _)| index).take(most).collect()
}
