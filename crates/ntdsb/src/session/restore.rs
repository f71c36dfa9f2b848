//! The restore context.
//!
//! | state | meaning |
//! |---|---|
//! | X | restricted: opened without a token |
//! | P | prepared with a token |
//! | R | registered |
//! | C, CF | completed, with success or with failure |
//! | F | failed: every call repeats the first failure |
//!
//! | call | X | P | R | C | CF |
//! |---|---|---|---|---|---|
//! | GetDatabaseLocations | X | P | R | C | CF |
//! | Register with a map | MissingExpiryToken | R | RestoreMapExists | RestoreMapExists | R |
//! | Register without | MissingExpiryToken | NoFullRestore | INV | INV | NoFullRestore |
//! | RegisterComplete(0) | MissingExpiryToken | SEQ | C | C | C |
//! | RegisterComplete(other) | MissingExpiryToken | SEQ | CF | CF | CF |
//! | RestoreEnd | ends | ends | ends, orphaned | ends | ends |
//!
//! SEQ is `hrInvalidBackupSequence`, INV `ERROR_INVALID_PARAMETER`. Functions of the other
//! interface are INV in every state, and so is everything on an ended context. A success that the
//! service cannot confirm changes nothing: it is simply not reported to the machine.
//!
//! Source: Win32 documentation "Restoring an Active Directory server"; the cells that it does not
//! fill are our decisions.

use crate::HResult;

#[cfg(test)]
mod tests;

/// Where a restore context stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RestoreState {
    /// X: only the locations may be asked for.
    Restricted,
    /// P: prepared with a token.
    Prepared,
    /// R: registered.
    Registered,
    /// C: completed with success.
    Completed,
    /// CF: completed with failure.
    CompletedWithFailure,
    /// F: the context has failed; only the end is left.
    Failed,
    /// The context is over.
    Ended,
}

/// A call on a restore context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RestoreCall {
    /// DsRestoreGetDatabaseLocations.
    GetDatabaseLocations,
    /// DsRestoreRegister with a map.
    RegisterWithMap,
    /// DsRestoreRegister with a map of no rows.
    RegisterWithoutMap,
    /// DsRestoreRegisterComplete with this status.
    RegisterComplete(HResult),
    /// DsRestoreEnd.
    End,
    /// Any function of the backup interface.
    BackupFunction,
}

impl RestoreCall {
    /// The Register call whose map has so many rows.
    #[must_use]
    pub const fn register(rows: usize) -> Self {
        if rows == 0 { Self::RegisterWithoutMap } else { Self::RegisterWithMap }
    }
}

/// What an ended restore context leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RestoreOutcome {
    /// No registration of this context.
    Nothing,
    /// A registration that was not completed: the directory stays down; a new restore may replace
    /// it.
    Orphaned,
    /// A registration completed with success.
    Completed,
    /// A registration completed with failure: the directory stays down.
    CompletedWithFailure,
}

/// A restore context.
#[derive(Debug, Clone)]
pub struct RestoreSession {
    stage: RestoreOutcome,
    restricted: bool,
    failure: Option<HResult>,
    ended: bool,
}

impl RestoreSession {
    /// A context opened with a token.
    #[must_use]
    pub const fn prepared() -> Self {
        let stage = RestoreOutcome::Nothing;
        Self { stage, restricted: false, failure: None, ended: false }
    }

    /// A context opened without a token.
    #[must_use]
    pub const fn restricted() -> Self {
        let stage = RestoreOutcome::Nothing;
        Self { stage, restricted: true, failure: None, ended: false }
    }

    /// Where the context stands.
    #[must_use]
    pub const fn state(&self) -> RestoreState {
        if self.ended {
            return RestoreState::Ended;
        }
        if self.failure.is_some() {
            return RestoreState::Failed;
        }
        if self.restricted {
            return RestoreState::Restricted;
        }
        match self.stage {
            RestoreOutcome::Nothing => RestoreState::Prepared,
            RestoreOutcome::Orphaned => RestoreState::Registered,
            RestoreOutcome::Completed => RestoreState::Completed,
            RestoreOutcome::CompletedWithFailure => RestoreState::CompletedWithFailure,
        }
    }

    /// Whether `call` is allowed now. Changes nothing.
    ///
    /// # Errors
    /// The code of the table above.
    pub fn check(&self, call: RestoreCall) -> Result<(), HResult> {
        use RestoreCall as Call;
        use RestoreState as State;
        let state = self.state();
        if state == State::Ended || call == Call::BackupFunction {
            return Err(HResult::ERROR_INVALID_PARAMETER);
        }
        if let (Some(failure), false) = (self.failure, call == Call::End) {
            return Err(failure);
        }
        match (call, state) {
            (Call::End | Call::GetDatabaseLocations, _) => Ok(()),
            (_, State::Restricted) => Err(HResult::HR_MISSING_EXPIRY_TOKEN),
            (Call::RegisterWithMap, State::Registered | State::Completed) => {
                Err(HResult::HR_RESTORE_MAP_EXISTS)
            }
            (Call::RegisterWithoutMap, State::Registered | State::Completed) => {
                Err(HResult::ERROR_INVALID_PARAMETER)
            }
            (Call::RegisterWithoutMap, _) => Err(HResult::HR_NO_FULL_RESTORE),
            (Call::RegisterComplete(_), State::Prepared) => {
                Err(HResult::HR_INVALID_BACKUP_SEQUENCE)
            }
            _ => Ok(()),
        }
    }

    /// A registration is durable.
    ///
    /// # Errors
    /// As [`RestoreSession::check`] of a Register with a map; nothing has changed then.
    pub fn registered(&mut self) -> Result<(), HResult> {
        self.check(RestoreCall::RegisterWithMap)?;
        self.stage = RestoreOutcome::Orphaned;
        Ok(())
    }

    /// The status of the registration is durable; if it is success, the files were verified.
    ///
    /// # Errors
    /// As [`RestoreSession::check`]; nothing has changed then.
    pub fn completed(&mut self, status: HResult) -> Result<(), HResult> {
        self.check(RestoreCall::RegisterComplete(status))?;
        self.stage = if status.is_ok() {
            RestoreOutcome::Completed
        } else {
            RestoreOutcome::CompletedWithFailure
        };
        Ok(())
    }

    /// The context has failed for good. The first failure stays.
    pub fn fail(&mut self, failure: HResult) {
        self.failure.get_or_insert(failure);
    }

    /// Ends the context and tells what it leaves behind.
    ///
    /// # Errors
    /// `ERROR_INVALID_PARAMETER` if it has ended before.
    pub fn end(&mut self) -> Result<RestoreOutcome, HResult> {
        self.check(RestoreCall::End)?;
        self.ended = true;
        Ok(self.stage)
    }
}
