//! The checksums of pages and headers, for tests that change them.
//!
//! | Block | Stored | Covers |
//! |---|---|---|
//! | page, new family, up to 8 KiB | u64 at 0 | the page |
//! | page, new family, 16 or 32 KiB | u64 at 0 and three at 40 | a quarter of the page each |
//! | page, old family | u32 at 0, page number at 4 | the page from byte 4 on |
//! | header block | u32 at 0 | the block from byte 4 on |
//!
//! This is the slow, obvious form of the definition (ESE checksum_amd64.cxx), written apart from
//! the kernel under test.

use crate::u32_at;

/// Seed of the old family and signature of a header.
const MAGIC: u32 = 0x89AB_CDEF;
/// Flag of the page header: the checksum is of the new family.
const NEW_CHECKSUM: u32 = 0x2000;
/// Where the page header has its flags.
const FLAGS: usize = 36;
/// Where the header of a large page has the checksums of its last three quarters.
const QUARTERS: usize = 40;

/// Stores the checksums of page `number`, of any size, in the family its flags name.
pub(crate) fn seal_page(page: &mut [u8], number: u32) {
    if u32_at(page, FLAGS) & NEW_CHECKSUM == 0 {
        page[4..8].copy_from_slice(&number.to_le_bytes());
        seal_header(page);
    } else if page.len() <= 8192 {
        seal_first(page, number);
    } else {
        let quarter = page.len() / 4;
        for index in 1..4 {
            let sum = ecc(&page[index * quarter..(index + 1) * quarter], number);
            let at = QUARTERS + 8 * (index - 1);
            page[at..at + 8].copy_from_slice(&sum.to_le_bytes());
        }
        seal_first(&mut page[..quarter], number);
    }
}

/// Stores the checksum of a header block (header, shadow, trailer).
pub(crate) fn seal_header(block: &mut [u8]) {
    let xor = block[4..].chunks_exact(4).fold(MAGIC, |xor, word| xor ^ u32_at(word, 0));
    block[..4].copy_from_slice(&xor.to_le_bytes());
}

/// The block that holds the page header: its first eight bytes count as zero.
fn seal_first(block: &mut [u8], number: u32) {
    block[..8].fill(0);
    let sum = ecc(block, number);
    block[..8].copy_from_slice(&sum.to_le_bytes());
}

/// Low half: XOR of the words and the page number. High half: XOR of the indexes of all set bits,
/// and of their complements.
fn ecc(block: &[u8], number: u32) -> u64 {
    let bits = u32::try_from(block.len() * 8).unwrap();
    let (mut xor, mut set, mut unset) = (number, 0, 0);
    for (index, word) in (0..bits).step_by(32).zip(block.chunks_exact(4)) {
        let word = u32_at(word, 0);
        xor ^= word;
        for bit in (0..32).filter(|bit| word >> bit & 1 == 1) {
            set ^= index + bit;
            unset ^= !(index + bit) & (bits - 1);
        }
    }
    u64::from(unset << 16 | set) << 32 | u64::from(xor)
}

/// A page number of a file, from its place among the pages.
#[cfg(test)]
fn numbered(file: &[u8], page_size: usize) -> impl Iterator<Item = (u32, &[u8])> {
    (1..).zip(file.chunks_exact(page_size).skip(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealing_changes_no_sealed_page_or_header() {
        for name in crate::CLEAN {
            let file = crate::database(name);
            let page_size = usize::try_from(u32_at(&file, 236)).unwrap();
            for header in file.chunks_exact(page_size).take(2) {
                let mut sealed = header.to_vec();
                seal_header(&mut sealed);
                assert_eq!(sealed, header, "{name}");
            }
            for (number, page) in numbered(&file, page_size).step_by(7) {
                if page.iter().any(|&byte| byte != 0) {
                    let mut sealed = page.to_vec();
                    seal_page(&mut sealed, number);
                    assert_eq!(sealed, page, "{name}, page {number}");
                }
            }
        }
    }

    #[test]
    fn known_vectors_of_the_ecc() {
        let mut block = [0; 4096];
        assert_eq!(ecc(&block, 1), 1);
        block[16] = 1;
        assert_eq!(ecc(&block, 5), 0x7F7F_0080_0000_0004);
        let repeated: Vec<u8> = (0..=255).cycle().take(4096).collect();
        assert_eq!(ecc(&repeated, 0x1234), 0x1234);
    }

    #[test]
    fn a_page_of_the_old_family_carries_its_number() {
        let mut page = vec![0; 4096];
        page[100] = 7;
        seal_page(&mut page, 9);
        assert_eq!(u32_at(&page, 4), 9);
        assert_eq!(u32_at(&page, 0), MAGIC ^ 9 ^ 7);
    }
}
