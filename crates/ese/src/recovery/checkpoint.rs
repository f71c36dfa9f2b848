//! The checkpoint file after a recovery.
//!
//! The same 4096 bytes twice:
//!
//! ```text
//!    0    4  XOR of the words, the first left out, with 0x89ABCDEF
//!    4    8  checkpoint at the last full backup
//!   12    8  checkpoint: a replay begins here
//!   20   28  signature of the log stream
//!   48  567  parameters of the instance
//!  615   32  position and time of the last full and the last incremental backup
//!  647    1  1: there is a list of attached databases
//!  648    8  databases are consistent from here on
//!  667    4  what the file is: 4
//!  679 2048  list of the databases that are attached at the checkpoint
//! ```
//!
//! After a recovery it points to the last record of the log and lists no database: the engine
//! finds the log ended in good order, and does not replay.
//!
//! Source: ESE `CHECKPOINT_FIXED` (log.hxx), `ErrLGIUpdateCheckpointLgposForTerm` (log.cxx).

use ese_format::LogPosition;
use ese_format::checksum::xor32;
use ese_format::log_header::LogHeader;

/// The checkpoint file for a log that ends with the record at `end`.
///
/// What `before`, the file that was there, says of backups is kept if it is sound and of the same
/// stream.
pub fn ended(before: Option<&[u8]>, log: &LogHeader, end: LogPosition) -> Vec<u8> {
    let header = log.to_block();
    let signature = header.get(44..72).unwrap_or_default();
    let mut block = before
        .and_then(|before| sound_copy(before, signature))
        .unwrap_or_else(|| new_block(&header, signature));
    put(&mut block, 12, &position_bytes(end));
    put(&mut block, 648, &position_bytes(end));
    put(&mut block, 647, &[0]);
    if let Some(list) = block.get_mut(679..2727) {
        list.fill(0);
    }
    let sum = xor32(&block);
    put(&mut block, 0, &sum.to_le_bytes());
    [block.as_slice(), block.as_slice()].concat()
}

/// The copy that counts, if it is of the stream with this signature.
fn sound_copy(file: &[u8], signature: &[u8]) -> Option<Vec<u8>> {
    let block = file.chunks_exact(BLOCK).take(2).find(|block| {
        let stored = block.first_chunk().map(|sum| u32::from_le_bytes(*sum));
        stored == Some(xor32(block)) && block.get(667..671) == Some(&FILE_TYPE)
    })?;
    (block.get(20..48) == Some(signature)).then(|| block.to_vec())
}

fn new_block(header: &[u8], signature: &[u8]) -> Vec<u8> {
    let mut block = vec![0; BLOCK];
    put(&mut block, 20, signature);
    put(&mut block, 48, header.get(72..639).unwrap_or_default());
    put(&mut block, 667, &FILE_TYPE);
    block
}

fn position_bytes(position: LogPosition) -> [u8; 8] {
    let [a, b] = position.byte.to_le_bytes();
    let [c, d] = position.sector.to_le_bytes();
    let [e, f, g, h] = position.generation.0.to_le_bytes();
    [a, b, c, d, e, f, g, h]
}

fn put(block: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(target) = block.get_mut(at..at + bytes.len()) {
        target.copy_from_slice(bytes);
    }
}

const BLOCK: usize = 4096;
const FILE_TYPE: [u8; 4] = [4, 0, 0, 0];

#[cfg(test)]
mod tests {
    use ese_format::{LogGeneration, Signature};

    use super::*;

    fn log(random: u32) -> LogHeader {
        let mut header = LogHeader::blank();
        header.generation = LogGeneration(9);
        header.signature = Signature { random, ..Signature::NONE };
        header
    }

    #[test]
    fn both_copies_are_sound_and_list_no_database() {
        let end: LogPosition = "9:3:0".parse().unwrap();
        let file = ended(None, &log(1), end);
        assert_eq!(file.len(), 2 * BLOCK);
        assert_eq!(file[..BLOCK], file[BLOCK..]);
        assert_eq!(file[..4], xor32(&file[..BLOCK]).to_le_bytes());
        assert_eq!(file[12..20], [0, 0, 3, 0, 9, 0, 0, 0]);
        assert_eq!((file[20], file[647], file[667], file[679]), (1, 0, 4, 0));
    }

    #[test]
    fn backups_of_the_same_stream_are_kept() {
        let end: LogPosition = "9:3:0".parse().unwrap();
        let mut before = ended(None, &log(1), "8:1:0".parse().unwrap());
        before[615] = 77;
        let sum = xor32(&before[..BLOCK]);
        before[..4].copy_from_slice(&sum.to_le_bytes());
        assert_eq!(ended(Some(&before), &log(1), end)[615], 77);
        assert_eq!(ended(Some(&before), &log(2), end)[615], 0);
        before[616] = 1;
        // The second copy is still sound; it never had the backup.
        assert_eq!(ended(Some(&before), &log(1), end)[615], 0);
        assert_eq!(ended(Some(b"short"), &log(1), end).len(), 2 * BLOCK);
    }
}
