//! Parameters of the instance that wrote a log: in each log header and in each Init record.
//!
//! ```text
//!   0 261  folder of the checkpoint, in the code page of the machine, with a final zero
//! 261 261  folder of the logs
//! 522  45  fields ([`FIELDS`])
//! ```
//!
//! For information only: a replay takes nothing from them. Source: ESE `DBMS_PARAM` (daedef.hxx).

use alloc::string::String;
use alloc::vec::Vec;

use crate::field::block_fields;
pub use crate::field::{Field, FieldValue};

/// Bytes of the parameters.
pub const INSTANCE_PARAMETERS_LEN: usize = 567;

/// Bytes of each of the two paths.
const PATH_LEN: usize = 261;

block_fields! {
    /// Parameters of an instance; the block is kept, so that writing it back preserves the rest.
    InstanceParameters;

    /// Bit 0: circular logging.
    flags: u8 = 522, "fDBMSPARAMFlags", Hex;
    /// Most sessions.
    sessions: u32 = 523, "le_lSessionsMax", Decimal;
    /// Most open tables.
    open_tables: u32 = 527, "le_lOpenTablesMax", Decimal;
    /// Most pages of the version store.
    version_pages: u32 = 531, "le_lVerPagesMax", Decimal;
    /// Most cursors.
    cursors: u32 = 535, "le_lCursorsMax", Decimal;
    /// Sectors of the log buffer.
    log_buffers: u32 = 539, "le_lLogBuffers", Decimal;
    /// Sectors of a log file.
    log_file_sectors: u32 = 543, "le_lcsecLGFile", Decimal;
    /// Most pages of the page cache.
    cache_pages: u32 = 547, "le_ulCacheSizeMax", Decimal;
}

impl InstanceParameters {
    /// Reads the parameters that `bytes` begin with; none if there are too few.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        bytes.get(..INSTANCE_PARAMETERS_LEN).map(Self::read_fields)
    }

    /// The block with the fields as they stand.
    pub fn to_block(&self) -> Vec<u8> {
        let mut block = self.block.clone();
        self.write_fields(&mut block);
        block
    }

    /// Folder of the checkpoint. What is no ASCII is shown as `?`: the code page is not known.
    pub fn system_path(&self) -> String {
        path(self.block.get(..PATH_LEN).unwrap_or_default())
    }

    /// Folder of the logs, with the same restriction.
    pub fn log_path(&self) -> String {
        path(self.block.get(PATH_LEN..2 * PATH_LEN).unwrap_or_default())
    }

    /// Whether old logs are given up once they are not needed any more.
    pub fn is_circular(&self) -> bool {
        self.flags & 1 != 0
    }
}

fn path(bytes: &[u8]) -> String {
    let shown = |&byte: &u8| match byte {
        0x20..=0x7E => char::from(byte),
        _ => '?',
    };
    bytes.iter().take_while(|&&byte| byte != 0).map(shown).collect()
}

/// The four lines of the engine's own listing, without their indentation.
impl core::fmt::Display for InstanceParameters {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        writeln!(f, "Env SystemPath:{}", self.system_path())?;
        writeln!(f, "Env LogFilePath:{}", self.log_path())?;
        writeln!(f, "Env (CircLog,Session,Opentbl,VerPage,Cursors,LogBufs,LogFile,Buffers)",)?;
        write!(
            f,
            "    ({:>7},{:>7},{:>7},{:>7},{:>7},{:>7},{:>7},{:>7})",
            if self.is_circular() { "on" } else { "off" },
            self.sessions,
            self.open_tables,
            self.version_pages,
            self.cursors,
            self.log_buffers,
            self.log_file_sectors,
            self.cache_pages,
        )
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn listing_is_that_of_the_engine() {
        let mut block = vec![0; INSTANCE_PARAMETERS_LEN];
        block[..7].copy_from_slice(b"C:\\ese\\");
        block[261..266].copy_from_slice(b"D:\xE9\\\0");
        let mut parameters = InstanceParameters::parse(&block).unwrap();
        parameters.sessions = 64;
        parameters.open_tables = 300;
        parameters.version_pages = 4096;
        parameters.cursors = 4096;
        parameters.log_buffers = 126;
        parameters.log_file_sectors = 64;
        parameters.cache_pages = 256;
        let expected = "Env SystemPath:C:\\ese\\\nEnv LogFilePath:D:?\\\n\
            Env (CircLog,Session,Opentbl,VerPage,Cursors,LogBufs,LogFile,Buffers)\n    \
            (    off,     64,    300,   4096,   4096,    126,     64,    256)";
        assert_eq!(parameters.to_string(), expected);
        assert!(InstanceParameters::parse(&block[1..]).is_none());
    }

    proptest! {
        #[test]
        fn writing_back_gives_the_same_bytes(
            block in proptest::collection::vec(any::<u8>(), INSTANCE_PARAMETERS_LEN),
        ) {
            prop_assert_eq!(InstanceParameters::parse(&block).unwrap().to_block(), block);
        }
    }
}
