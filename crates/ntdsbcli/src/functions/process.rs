//! Functions without a context: DsIsNTDSOnline, DsSetAuthIdentity, DsSetCurrentBackupLog.

use ntdsb::HResult;

use super::{Text, finish};
use crate::identity::{self, Identity};

/// DsIsNTDSOnline: whether the directory is open for its clients.
pub fn ds_is_ntds_online(server: Option<Text<'_>>, online: Option<&mut bool>) -> HResult {
    let Some(online) = online else {
        return HResult::ERROR_INVALID_PARAMETER;
    };
    *online = false;
    let ask = || {
        let server = server.ok_or(HResult::ERROR_INVALID_PARAMETER)?.to_server()?;
        server.is_online().map_err(|error| error.code())
    };
    finish(ask(), |answer| *online = answer)
}

/// DsSetAuthIdentity: the identity of later calls of the process; nothing is sent.
pub fn ds_set_auth_identity(
    user: Option<Text<'_>>,
    domain: Option<Text<'_>>,
    password: Option<Text<'_>>,
) -> HResult {
    let any = domain.is_some() || password.is_some();
    if user.is_none_or(Text::is_empty) && (any || user.is_some()) {
        return HResult::ERROR_INVALID_PARAMETER;
    }
    let set = || {
        let wide = |text: &Option<Text<'_>>| -> Result<Option<Vec<u16>>, HResult> {
            text.as_ref().map(|text| text.to_wide().map(std::borrow::Cow::into_owned)).transpose()
        };
        let (user, domain) = (wide(&user)?, wide(&domain)?);
        let password = wide(&password)?.map(zeroize::Zeroizing::new);
        Identity::new(
            user.as_deref(),
            domain.as_deref(),
            password.as_ref().map(|password| password.as_slice()),
        )
        .map_err(|_| HResult::ERROR_INVALID_PARAMETER)
    };
    finish(set(), identity::set_current)
}

/// DsSetCurrentBackupLog: the last log that counts as backed up.
pub fn ds_set_current_backup_log(server: Option<Text<'_>>, current_log: u32) -> HResult {
    let set = || {
        let server = server.ok_or(HResult::ERROR_INVALID_PARAMETER)?.to_server()?;
        server.set_current_backup_log(current_log).map_err(|error| error.code())
    };
    finish(set(), |()| ())
}
