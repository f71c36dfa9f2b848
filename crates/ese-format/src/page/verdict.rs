//! Judging a page by its checksums, and putting single wrong bits right.
//!
//! 1. All bytes zero: the page was never written.
//! 2. Every block's checksum must hold. With the new family a block whose checksum does not hold
//!    is correctable if the ECC names one bit and the XOR differs in one bit; the flag that tells
//!    the families apart is never corrected. If the wrong bit of the first block lies in the
//!    checksums of the later blocks, these are judged by the corrected values. With the bits put
//!    right all checksums must hold and the page must have a sound structure.
//! 3. The number that a large page bears must be that of its place.
//!
//! A page of another place shows as equal ECC and an XOR that differs by the two numbers.
//!
//! Source: ESE `CPAGE::ErrValidatePage` (cpage.cxx), `ChecksumAndPossiblyFixPage` (checksum.cxx).

use core::fmt;

use super::{FLAGS_AT, PageFlags, structure};
use crate::checksum::{self, BlockChecksum, BlockPosition};
use crate::le::{put, u32_at, u64_at};
use crate::{PageNumber, PageSize, jet};

/// What [`verify`] says of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageState {
    /// Every checksum and the number hold.
    Valid(ChecksumKind),
    /// All bytes are zero: never written.
    Zeroed,
    /// Valid but for single wrong bits, one in a block; [`correct`] puts them right.
    Correctable(Correction),
    /// Not what was written here.
    Damaged(Damage),
}

/// The family of a page's checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChecksumKind {
    /// XOR only: last written before Vista.
    Xor,
    /// XOR and ECC.
    Ecc,
}

/// The wrong bits of a page: at most one in each block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Correction {
    bits: [Option<u32>; BLOCKS],
}

impl Correction {
    /// The wrong bits, numbered in the page (byte times 8 plus bit, lowest bit 0).
    pub fn bits(&self) -> impl Iterator<Item = u32> + '_ {
        self.bits.iter().flatten().copied()
    }
}

/// Why a page is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Damage {
    /// The checksum of a block does not hold.
    Checksum {
        /// The first block whose checksum does not hold; 0 in a page up to 8 KiB.
        block: u8,
        /// As stored.
        stored: u64,
        /// As computed.
        computed: u64,
    },
    /// The checksums are those of another page number: the page was written to, or read from, the
    /// wrong place.
    WrongPage {
        /// The number that it has the checksums of.
        found: PageNumber,
    },
    /// The checksums hold, but the large page bears another number.
    WrongNumber {
        /// The number that it bears.
        found: PageNumber,
    },
    /// The length is not a page size.
    WrongLength {
        /// In bytes.
        len: usize,
    },
}

impl Damage {
    /// The engine's number for it.
    pub fn jet_code(&self) -> i32 {
        match self {
            Self::WrongNumber { .. } => jet::ERR_READ_PGNO_VERIFY_FAILURE,
            _ => jet::ERR_READ_VERIFY_FAILURE,
        }
    }

    /// Whether it is a checksum that does not hold.
    pub fn is_checksum(&self) -> bool {
        matches!(self, Self::Checksum { .. } | Self::WrongPage { .. })
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checksum { block: 0, stored, computed } => {
                write!(f, "checksum is {stored:#018x}, expected {computed:#018x}")
            }
            Self::Checksum { block, stored, computed } => {
                write!(f, "checksum of block {block} is {stored:#018x}, expected {computed:#018x}")
            }
            Self::WrongPage { found } => write!(f, "it is page {found}, in the wrong place"),
            Self::WrongNumber { found } => write!(f, "it bears page number {found}"),
            Self::WrongLength { len } => write!(f, "{len} bytes are no page"),
        }
    }
}

/// Judges a page that lies at the place of page `number`.
pub fn verify(page: &[u8], number: PageNumber) -> PageState {
    let Some(size) = page_size(page) else {
        return PageState::Damaged(Damage::WrongLength { len: page.len() });
    };
    if u32_at(page, FLAGS_AT) & PageFlags::NEW_CHECKSUM_FORMAT.bits() == 0 {
        return verify_xor(page, number);
    }
    let sums = BlockSums::of(page, number, size);
    if sums.all_hold() {
        return match wrong_number(page, number, size) {
            Some(damage) => PageState::Damaged(damage),
            None => PageState::Valid(ChecksumKind::Ecc),
        };
    }
    match sums.correction(page, number, size) {
        Some(correction) => PageState::Correctable(correction),
        None => PageState::Damaged(sums.damage(number)),
    }
}

/// Flips the wrong bits back.
pub fn correct(page: &mut [u8], correction: &Correction) {
    for bit in correction.bits() {
        flip(page, bit);
    }
}

/// Computes and stores the checksums of a page, and in a large page its number.
///
/// The family is the one that the flags say. Nothing is done if the length is no page size.
pub fn seal(page: &mut [u8], number: PageNumber) {
    let Some(size) = page_size(page) else { return };
    if size.is_large() {
        put(page, 64, &number.0.to_le_bytes());
    }
    if u32_at(page, FLAGS_AT) & PageFlags::NEW_CHECKSUM_FORMAT.bits() == 0 {
        put(page, 4, &number.0.to_le_bytes());
        let sum = checksum::xor32(page);
        put(page, 0, &sum.to_le_bytes());
        return;
    }
    // The first block covers the checksums of the others, so it comes last.
    for block in (0..block_count(size)).rev() {
        let sum = computed_sum(page, number, size, block);
        put(page, stored_sum_at(block), &sum.0.to_le_bytes());
    }
}

/// The most blocks of a page.
const BLOCKS: usize = 4;

fn page_size(page: &[u8]) -> Option<PageSize> {
    PageSize::new(u32::try_from(page.len()).ok()?)
}

fn block_count(size: PageSize) -> usize {
    if size.is_large() { BLOCKS } else { 1 }
}

fn stored_sum_at(block: usize) -> usize {
    if block == 0 { 0 } else { 32 + 8 * block }
}

fn computed_sum(page: &[u8], number: PageNumber, size: PageSize, block: usize) -> BlockChecksum {
    let len = checksum::block_len(size);
    let position = if block == 0 { BlockPosition::First } else { BlockPosition::Later };
    let bytes = page.get(block * len..(block + 1) * len).unwrap_or_default();
    checksum::ecc(bytes, number, position)
}

fn flip(page: &mut [u8], bit: u32) {
    if let Some(byte) = page.get_mut((bit / 8) as usize) {
        *byte ^= 1 << (bit % 8);
    }
}

fn wrong_number(page: &[u8], number: PageNumber, size: PageSize) -> Option<Damage> {
    let found = PageNumber(u32_at(page, 64));
    (size.is_large() && found != number).then_some(Damage::WrongNumber { found })
}

fn verify_xor(page: &[u8], number: PageNumber) -> PageState {
    let (stored, found) = (u32_at(page, 0), PageNumber(u32_at(page, 4)));
    let computed = checksum::xor32(page);
    if stored == computed && found == number {
        return PageState::Valid(ChecksumKind::Xor);
    }
    if is_zeroed(page) {
        return PageState::Zeroed;
    }
    PageState::Damaged(if stored == computed {
        Damage::WrongPage { found }
    } else {
        let computed = u64::from(number.0) << 32 | u64::from(computed);
        Damage::Checksum { block: 0, stored: u64_at(page, 0), computed }
    })
}

/// Whole lines of the processor's cache at a time: a sparse file has millions of such pages.
fn is_zeroed(page: &[u8]) -> bool {
    let (lines, rest) = page.as_chunks::<64>();
    rest.iter().all(|&byte| byte == 0)
        && lines.iter().all(|line| line.iter().fold(0, |all, &byte| all | byte) == 0)
}

/// Stored and computed checksums of a page's blocks.
struct BlockSums {
    count: usize,
    stored: [BlockChecksum; BLOCKS],
    computed: [BlockChecksum; BLOCKS],
}

impl BlockSums {
    fn of(page: &[u8], number: PageNumber, size: PageSize) -> Self {
        let none = [BlockChecksum(0); BLOCKS];
        let mut sums = Self { count: block_count(size), stored: none, computed: none };
        let slots = sums.stored.iter_mut().zip(&mut sums.computed).take(sums.count);
        for (block, (stored, computed)) in slots.enumerate() {
            *stored = BlockChecksum(u64_at(page, stored_sum_at(block)));
            *computed = computed_sum(page, number, size, block);
        }
        sums
    }

    fn all_hold(&self) -> bool {
        self.stored == self.computed
    }

    fn pairs(&self) -> impl Iterator<Item = (BlockChecksum, BlockChecksum)> + '_ {
        self.stored.iter().copied().zip(self.computed.iter().copied()).take(self.count)
    }

    /// The single wrong bits that explain every checksum that does not hold, if they do.
    fn correction(&self, page: &[u8], number: PageNumber, size: PageSize) -> Option<Correction> {
        let len = checksum::block_len(size);
        let mut corrected = page.to_vec();
        let mut bits = [None; BLOCKS];
        for ((block, slot), computed) in bits.iter_mut().enumerate().zip(self.computed) {
            // Read from the corrected page: the first block may have held a wrong bit in here.
            let stored = BlockChecksum(u64_at(&corrected, stored_sum_at(block)));
            if block >= self.count || stored == computed {
                continue;
            }
            let bit = u32::try_from(block * len * 8 + computed.wrong_bit(stored, len)?).ok()?;
            if bit == CHECKSUM_FORMAT_BIT {
                return None;
            }
            flip(&mut corrected, bit);
            *slot = Some(bit);
        }
        let sound = Self::of(&corrected, number, size).all_hold()
            && wrong_number(&corrected, number, size).is_none()
            && structure::check(&corrected).is_ok();
        sound.then_some(Correction { bits })
    }

    fn damage(&self, number: PageNumber) -> Damage {
        let mut differences = self.pairs().map(|(stored, computed)| stored.0 ^ computed.0);
        let first = differences.next().unwrap_or(0);
        if first != 0 && first >> 32 == 0 && differences.all(|difference| difference == first) {
            let found = PageNumber(number.0 ^ BlockChecksum(first).xor());
            if found != PageNumber::NULL && found <= PageNumber::MAX {
                return Damage::WrongPage { found };
            }
        }
        for (block, (stored, computed)) in (0..).zip(self.pairs()) {
            if stored != computed {
                return Damage::Checksum { block, stored: stored.0, computed: computed.0 };
            }
        }
        Damage::Checksum { block: 0, stored: 0, computed: 0 }
    }
}

/// The bit of the page that is [`PageFlags::NEW_CHECKSUM_FORMAT`].
const CHECKSUM_FORMAT_BIT: u32 = 36 * 8 + 13;

#[cfg(test)]
mod tests;
