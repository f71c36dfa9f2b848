//! Expiry tokens: made when a backup begins, checked when a restore does.

use ms_dtyp::{FileTime, Guid};
use ntdsb::HResult;
use ntdsb::token::{Expiry, ExpiryToken, Flags, TagState};

use crate::directory::Directory;
use crate::service::{Service, Trail};

impl Service {
    /// The token of a backup that has begun.
    pub(crate) fn make_token(
        &self,
        backup_id: Guid,
        start: FileTime,
        directory: &dyn Directory,
        lowest_generation: u32,
    ) -> Result<Vec<u8>, HResult> {
        let facts = directory.facts();
        let token = ExpiryToken {
            flags: if directory.is_live() { Flags::default() } else { Flags::READ_ONLY },
            start,
            lifetime_days: self.settings.token.lifetime_days,
            // The attributes themselves are not read; what counts is the configured lifetime.
            tombstone_lifetime_days: 0,
            deleted_object_lifetime_days: 0,
            page_size: facts.page_size,
            backup_id,
            dsa: facts.dsa,
            invocation_id: facts.invocation,
            domain: facts.domain,
            highest_usn: facts.highest_usn,
            lowest_generation,
            epoch: facts.epoch,
            database_signature: facts.database_signature,
            log_signature: facts.log_signature,
            host_name: self.settings.dns_name.clone(),
            domain_dn: self.settings.domain_dn.clone(),
        };
        // A keyed token whose key id is damaged looks like another installation's, which is
        // accepted unless keys are required; an unkeyed one shows every damaged bit.
        let key = self.settings.token.require_key.then_some(&*self.key);
        token.encode(key).map_err(|_| HResult::HR_ERROR)
    }

    /// Checks a token: undamaged, ours if it has to be, not expired.
    pub(crate) fn check_token(
        &self,
        bytes: &[u8],
        trail: &mut Trail<'_>,
    ) -> Result<ExpiryToken, HResult> {
        let decoded = ExpiryToken::decode(bytes, Some(&self.key)).map_err(|e| {
            trail.detail = Some(e.to_string());
            e.code()
        })?;
        let token = decoded.token;
        if self.settings.token.require_key && decoded.tag != TagState::Authentic {
            trail.detail = Some("the token is not tagged with this installation's key".to_owned());
            return Err(HResult::HR_UNKNOWN_EXPIRY_TOKEN_FORMAT);
        }
        let mut detail = format!("backup {} of {}", token.backup_id, token.start);
        match token.expiry(self.settings.clock.now()) {
            Expiry::Expired => {
                trail.detail = Some(format!("{detail}, for {} days", token.lifetime_days));
                return Err(HResult::HR_CONTENTS_EXPIRED);
            }
            Expiry::BeforeStart { ticks } if ticks > FileTime::TICKS_PER_DAY => {
                detail.push_str(", which is in the future: check the clock");
            }
            _ => {}
        }
        trail.detail = Some(detail);
        Ok(token)
    }
}
