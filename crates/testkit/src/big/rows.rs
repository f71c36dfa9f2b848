//! The rows of table `churn`, and what its trees hold because of them.
//!
//! ```text
//! n    Long            the upper bits of a permutation of the row number: four rows share one
//! k    Binary          row number + 1, eight bytes: the primary key
//! t    Text (1252)     a word; NULL in every seventh row
//! pad  Binary          20 bytes that begin with another permutation; NULL in every fifth row
//! w    LongBinary      bytes in the record; NULL in some rows; every 64th row: separated
//! ```
//!
//! Each permutation has an inverse, so the entries of an index come in order when the permuted
//! numbers are counted through.

use std::io;

use ese_format::PageSize;

/// Every so many rows the long value is separated.
const SEPARATED: u64 = 64;
const FACTOR_N: u64 = 0x9E37_79B9_7F4A_7C15;
const FACTOR_PAD: u64 = 0xD1B5_4A32_D192_ED03;
const WORDS: [&str; 8] =
    ["alpha", "Bravo one", "charlie", "DELTA co-op", "echo", "Foxtrot", "golf 18", "Hotel"];
const NOISE: usize = 1 << 16;

/// A permutation of the numbers below a power of two: `(row * factor + addend) mod 2^bits`.
#[derive(Debug, Clone, Copy)]
struct Permutation {
    factor: u64,
    inverse: u64,
    mask: u64,
}

impl Permutation {
    fn new(odd: u64, bits: u32) -> Self {
        // Each step doubles the bits that are right.
        let inverse =
            (0..6).fold(odd, |x, _| x.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(x))));
        Self { factor: odd, inverse, mask: (1 << bits) - 1 }
    }

    fn addend(self) -> u64 {
        self.factor >> 7
    }

    fn order(self, row: u64) -> u64 {
        row.wrapping_mul(self.factor).wrapping_add(self.addend()) & self.mask
    }

    fn row(self, order: u64) -> u64 {
        order.wrapping_sub(self.addend()).wrapping_mul(self.inverse) & self.mask
    }
}

/// All rows, each a function of its number.
pub(super) struct Rows {
    count: u64,
    bits: u32,
    by_n: Permutation,
    by_pad: Permutation,
    page_size: PageSize,
    wide_ids: bool,
    noise: Vec<u8>,
}

impl Rows {
    /// `count` rows; `wide_ids` says whether ids of long values have 64 bits.
    pub(super) fn new(count: u64, page_size: PageSize, wide_ids: bool) -> Self {
        let bits = u64::BITS - count.leading_zeros();
        assert!((4..=31).contains(&bits), "a number that n can hold");
        let mut state = 7_u64;
        let noise = std::iter::repeat_with(|| {
            state = mix(state);
            state.to_le_bytes()
        });
        let noise = noise.take(NOISE / 8).flatten().collect();
        let by_n = Permutation::new(FACTOR_N, bits);
        let by_pad = Permutation::new(FACTOR_PAD, bits);
        Self { count, bits, by_n, by_pad, page_size, wide_ids, noise }
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Keys and records of the table, in order.
    pub(super) fn for_each_record(
        &self,
        mut f: impl FnMut(&[u8], &[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut record = Vec::new();
        for row in 0..self.count {
            self.record(row, &mut record);
            f(&bookmark(row), &record)?;
        }
        Ok(())
    }

    /// Entries of index `by_n` (-n +t): key and bookmark, in order.
    pub(super) fn for_each_n(
        &self,
        mut f: impl FnMut(&[u8], &[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        for group in (0..1_u64 << (self.bits - 2)).rev() {
            let rows = (group * 4..group * 4 + 4).map(|order| self.by_n.row(order));
            let mut entries: Vec<_> = rows
                .filter(|&row| row < self.count)
                .map(|row| (self.n_key(row), bookmark(row)))
                .collect();
            entries.sort();
            for (key, bookmark) in entries {
                f(&key, &bookmark)?;
            }
        }
        Ok(())
    }

    /// Entries of index `by_pad` (+pad): key and bookmark, in order.
    pub(super) fn for_each_pad(
        &self,
        mut f: impl FnMut(&[u8], &[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        for order in 0..1_u64 << self.bits {
            let row = self.by_pad.row(order);
            if row < self.count
                && let Some(pad) = self.pad(row)
            {
                f(&normalised_binary(&pad), &bookmark(row))?;
            }
        }
        Ok(())
    }

    /// Nodes of the long-value tree: roots and chunks, in order.
    pub(super) fn for_each_long_value_node(
        &self,
        mut f: impl FnMut(&[u8], &[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let chunk_len = chunk_len(self.page_size);
        for row in (0..self.count).filter(|&row| is_separated(row)) {
            let id = self.long_value_id(row);
            let len = 1100 + mix(row) % 16_000;
            let root = [1_u32.to_le_bytes(), u32::try_from(len).unwrap().to_le_bytes()].concat();
            f(&id, &root)?;
            let mut offset = 0;
            while offset < len {
                let key = [&id[..], &u32::try_from(offset).unwrap().to_be_bytes()].concat();
                let part = usize::try_from(chunk_len.min(len - offset)).unwrap();
                f(&key, self.noise_at(row + offset, part))?;
                offset += chunk_len;
            }
        }
        Ok(())
    }

    fn record(&self, row: u64, record: &mut Vec<u8>) {
        let pad = self.pad(row);
        let word = word(row).map_or(&b""[..], str::as_bytes);
        record.clear();
        let last_variable = if pad.is_some() { 130 } else { 129 };
        record.extend_from_slice(&[1, last_variable, 9, 0]);
        record.extend_from_slice(&self.n(row).to_le_bytes());
        record.push(0);
        let end_of_word = u16::try_from(8 + word.len()).unwrap();
        let null = if word.is_empty() { 0x8000 } else { 0 };
        record.extend_from_slice(&8_u16.to_le_bytes());
        record.extend_from_slice(&(end_of_word | null).to_le_bytes());
        if pad.is_some() {
            record.extend_from_slice(&(end_of_word + 20).to_le_bytes());
        }
        record.extend_from_slice(&(row + 1).to_be_bytes());
        record.extend_from_slice(word);
        record.extend_from_slice(pad.as_ref().map_or(&[], |pad| &pad[..]));
        self.long_value_entry(row, record);
    }

    /// The tagged part: column 256, behind a header byte that pages of all sizes have here.
    fn long_value_entry(&self, row: u64, record: &mut Vec<u8>) {
        const LONG_VALUE: u8 = 1;
        const SEPARATE: u8 = 4;
        let separated = is_separated(row);
        if !separated && row % 11 == 3 {
            return;
        }
        let flag = if self.page_size.is_large() { 0 } else { 0x4000 };
        record.extend_from_slice(&256_u16.to_le_bytes());
        record.extend_from_slice(&(4_u16 | flag).to_le_bytes());
        if separated {
            record.push(LONG_VALUE | SEPARATE);
            record.extend(self.long_value_id(row).iter().rev());
        } else {
            record.push(LONG_VALUE);
            let len = usize::try_from(160 + mix(row) % 720).unwrap();
            record.extend_from_slice(self.noise_at(row, len));
        }
    }

    /// The id in the byte order of keys.
    fn long_value_id(&self, row: u64) -> Vec<u8> {
        let number = u32::try_from(row / SEPARATED + 1).unwrap();
        if self.wide_ids {
            (0x8000_0000_8000_0000 | u64::from(number)).to_be_bytes().to_vec()
        } else {
            number.to_be_bytes().to_vec()
        }
    }

    fn noise_at(&self, at: u64, len: usize) -> &[u8] {
        let start = usize::try_from(mix(at)).unwrap() % (NOISE / 2);
        &self.noise[start..start + len]
    }

    fn n(&self, row: u64) -> i32 {
        let group = i32::try_from(self.by_n.order(row) >> 2).unwrap();
        group - (1 << (self.bits - 3))
    }

    fn pad(&self, row: u64) -> Option<[u8; 20]> {
        (!row.is_multiple_of(5)).then(|| {
            let mut pad = [0; 20];
            let order = self.by_pad.order(row) << (64 - self.bits);
            pad[..8].copy_from_slice(&order.to_be_bytes());
            pad[8..16].copy_from_slice(&mix(row).to_be_bytes());
            pad
        })
    }

    fn n_key(&self, row: u64) -> Vec<u8> {
        let [first, rest @ ..] = self.n(row).to_be_bytes();
        let mut key = vec![0x7F, first ^ 0x80];
        key.extend_from_slice(&rest);
        key.iter_mut().for_each(|byte| *byte = !*byte);
        match word(row) {
            None => key.push(0),
            Some(word) => {
                key.push(0x7F);
                key.extend(word.bytes().map(|byte| byte.to_ascii_uppercase()));
                key.push(0);
            }
        }
        key
    }
}

fn word(row: u64) -> Option<&'static str> {
    (!row.is_multiple_of(7)).then(|| WORDS[usize::try_from(mix(row ^ 0x55) % 8).unwrap()])
}

fn is_separated(row: u64) -> bool {
    row % SEPARATED == SEPARATED - 1
}

/// The primary key of a row.
fn bookmark(row: u64) -> Vec<u8> {
    normalised_binary(&(row + 1).to_be_bytes())
}

/// The key of a binary value: pieces of eight bytes, each followed by 9, the last by its length.
fn normalised_binary(value: &[u8]) -> Vec<u8> {
    let mut key = vec![0x7F];
    let mut pieces = value.chunks(8).peekable();
    while let Some(piece) = pieces.next() {
        key.extend_from_slice(piece);
        key.resize(key.len() + 8 - piece.len(), 0);
        let more = pieces.peek().is_some();
        key.push(if more { 9 } else { u8::try_from(piece.len()).unwrap() });
    }
    key
}

/// Bytes of a chunk of a long value.
fn chunk_len(page_size: PageSize) -> u64 {
    match page_size {
        PageSize::KIB_16 => 4050,
        PageSize::KIB_32 => 8150,
        small => u64::from(small.get()) - 82,
    }
}

/// Scatters a number.
fn mix(number: u64) -> u64 {
    let z = number.wrapping_add(FACTOR_N);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permutations_invert() {
        for odd in [FACTOR_N, FACTOR_PAD] {
            let permutation = Permutation::new(odd, 13);
            for row in 0..8192 {
                assert_eq!(permutation.row(permutation.order(row)), row);
            }
        }
    }

    #[test]
    fn index_entries_come_in_order_and_whole() {
        let rows = Rows::new(5000, PageSize::KIB_8, false);
        let mut entries = Vec::new();
        rows.for_each_n(|key, bookmark| {
            entries.push((key.to_vec(), bookmark.to_vec()));
            Ok(())
        })
        .unwrap();
        assert!(entries.is_sorted() && entries.len() == 5000);
        entries.clear();
        rows.for_each_pad(|key, bookmark| {
            entries.push((key.to_vec(), bookmark.to_vec()));
            Ok(())
        })
        .unwrap();
        assert!(entries.is_sorted() && entries.len() == 4000);
    }
}
