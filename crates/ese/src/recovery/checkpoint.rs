//! The checkpoint file after a recovery.
//!
//! It points to the last record of the log and lists no database: the engine finds the log ended in
//! good order, and does not replay. Source: ESE `ErrLGIUpdateCheckpointLgposForTerm` (log.cxx).

use ese_format::LogPosition;
use ese_format::log::checkpoint::Checkpoint;
use ese_format::log_header::LogHeader;

/// The checkpoint file for a log that ends with the record at `end`.
///
/// What `before`, the file that was there, says of backups is kept if it is sound and of the same
/// stream.
pub fn ended(before: Option<&[u8]>, log: &LogHeader, end: LogPosition) -> Vec<u8> {
    let before = before.and_then(|file| Checkpoint::read_shadowed(file).ok());
    let kept = before.map(|file| file.checkpoint).filter(|one| one.signature == log.signature);
    let mut checkpoint = kept.unwrap_or_else(|| Checkpoint::new(log));
    (checkpoint.position, checkpoint.consistent) = (end, end);
    checkpoint.version_flags = 0;
    checkpoint.clear_attachments();
    checkpoint.to_file()
}

#[cfg(test)]
mod tests {
    use ese_format::checksum::xor32;
    use ese_format::log::checkpoint::CHECKPOINT_COPY_LEN as BLOCK;
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
