//! The rights that a service's policy grants.
//!
//! | right | calls |
//! |---|---|
//! | query | IsNTDSOnline |
//! | locations | GetDatabaseLocations; RestorePrepare without token |
//! | backup | BackupPrepare, all on its context but truncation and end; SetCurrentBackupLog |
//! | truncate | BackupTruncateLogs |
//! | restore | RestorePrepare with token, Register, RegisterComplete |
//!
//! Ending a context needs none: owning it is enough. Windows decides by SeBackupPrivilege and
//! SeRestorePrivilege; these five say the same more finely.

use core::fmt;
use core::str::FromStr;

/// A right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    /// Ask whether the directory is online.
    Query,
    /// Ask where its files live.
    Locations,
    /// Back it up.
    Backup,
    /// Delete logs that a backup has stored.
    Truncate,
    /// Restore it.
    Restore,
}

impl Right {
    /// All rights.
    pub const ALL: [Self; 5] =
        [Self::Query, Self::Locations, Self::Backup, Self::Truncate, Self::Restore];

    /// The name in policy files and audit records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Locations => "locations",
            Self::Backup => "backup",
            Self::Truncate => "truncate",
            Self::Restore => "restore",
        }
    }

    /// The right that operation `opnum` of the backup interface needs; `None` where none is needed
    /// or there is no such operation.
    #[must_use]
    pub const fn for_backup_operation(opnum: u16) -> Option<Self> {
        match opnum {
            0 | 2..=6 => Some(Self::Backup),
            7 => Some(Self::Truncate),
            _ => None,
        }
    }

    /// The right that operation `opnum` of the restore interface needs; `None` where none is
    /// needed or there is no such operation. `with_token` tells a full RestorePrepare from a
    /// restricted one and matters to no other operation.
    #[must_use]
    pub const fn for_restore_operation(opnum: u16, with_token: bool) -> Option<Self> {
        match (opnum, with_token) {
            (0, _) => Some(Self::Query),
            (1, false) | (4, _) => Some(Self::Locations),
            (1, true) | (2 | 3, _) => Some(Self::Restore),
            (6 | 7, _) => Some(Self::Backup),
            _ => None,
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such right: expected query, locations, backup, truncate or restore")]
pub struct ParseRightError;

impl FromStr for Right {
    type Err = ParseRightError;

    fn from_str(text: &str) -> Result<Self, ParseRightError> {
        Self::ALL.into_iter().find(|right| right.name() == text).ok_or(ParseRightError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        for right in Right::ALL {
            assert_eq!(right.name().parse(), Ok(right));
        }
        assert_eq!("Backup".parse::<Right>(), Err(ParseRightError));
    }

    #[test]
    fn ending_a_context_and_asking_what_the_service_is_need_no_right() {
        assert_eq!(Right::for_backup_operation(1), None);
        assert_eq!(Right::for_backup_operation(8), None);
        assert_eq!(Right::for_restore_operation(5, true), None);
    }

    #[test]
    fn a_token_makes_the_difference_only_at_prepare() {
        for opnum in 0..9 {
            let differs = Right::for_restore_operation(opnum, false)
                != Right::for_restore_operation(opnum, true);
            assert_eq!(differs, opnum == 1);
        }
    }
}
