//! Extensions of the C interface: switches, texts, cancelling. All off by default.

use std::time::Duration;

use ntdsb::HResult;
use ntdsb::unc::{Spelling, Volumes};

use super::{entry, finish};
use crate::ansi::{self, CodePage};
use crate::handles::Handle;
use crate::options::{Options, parse_volumes};

/// `DSBX_OPT_ADDRESSING`: 1 lets server names be sockets and `host:port`.
pub const OPTION_ADDRESSING: u32 = 1;
/// `DSBX_OPT_CONNECT_TIMEOUT`: milliseconds.
pub const OPTION_CONNECT_TIMEOUT: u32 = 2;
/// `DSBX_OPT_CALL_TIMEOUT`: milliseconds, 0 for no limit.
pub const OPTION_CALL_TIMEOUT: u32 = 3;
/// `DSBX_OPT_SOCKET`: the service's socket.
pub const OPTION_SOCKET: u32 = 0x101;
/// `DSBX_OPT_NAMES`: further names of this computer, separated by commas.
pub const OPTION_NAMES: u32 = 0x102;
/// `DSBX_OPT_VOLUMES`: `C=/srv/dc1/c,...`.
pub const OPTION_VOLUMES: u32 = 0x103;

/// DsbxSetOption: a switch or a number.
pub fn dsbx_set_option(option: u32, value: u32) -> HResult {
    let milliseconds = Duration::from_millis(value.into());
    match (option, value) {
        (OPTION_ADDRESSING, 0 | 1) => Options::change(|o| o.addressing = value == 1),
        (OPTION_CONNECT_TIMEOUT, 1..) => Options::change(|o| o.connect_timeout = milliseconds),
        (OPTION_CALL_TIMEOUT, _) => {
            Options::change(|o| o.call_timeout = (value != 0).then_some(milliseconds));
        }
        _ => return HResult::ERROR_INVALID_PARAMETER,
    }
    HResult::S_OK
}

/// DsbxSetTextOption: a path or a list; `None` sets the default again.
pub fn dsbx_set_text_option(option: u32, value: Option<&str>) -> HResult {
    match (option, value) {
        (OPTION_SOCKET, None) => Options::change(|o| o.socket = None),
        (OPTION_SOCKET, Some(path)) if path.starts_with('/') => {
            Options::change(|o| o.socket = Some(path.into()));
        }
        (OPTION_NAMES, _) => {
            let names = value.unwrap_or_default().split(',').map(str::trim);
            let names = names.filter(|name| !name.is_empty()).map(str::to_owned).collect();
            Options::change(|o| o.names = names);
        }
        (OPTION_VOLUMES, _) => {
            let Some(volumes) = parse_volumes(value.unwrap_or_default()) else {
                return HResult::ERROR_INVALID_PARAMETER;
            };
            Options::change(|o| o.volumes = volumes);
        }
        _ => return HResult::ERROR_INVALID_PARAMETER,
    }
    HResult::S_OK
}

/// DsbxSetAnsiCodePage: the code page of the A forms.
pub fn dsbx_set_ansi_code_page(number: u32) -> HResult {
    match CodePage::from_number(number) {
        Some(page) => {
            ansi::set_current(page);
            HResult::S_OK
        }
        None => HResult::ERROR_INVALID_PARAMETER,
    }
}

/// DsbxResultText: name, value, meaning, and what to do next.
pub fn dsbx_result_text(code: HResult) -> String {
    match code.advice() {
        Some(advice) => format!("{code}. {advice}"),
        None => code.to_string(),
    }
}

/// DsbxUncToLocal: the local path of a name that the service of this computer published, by the
/// volumes of `DSBX_OPT_VOLUMES`.
///
/// # Errors
/// `ERROR_INVALID_PARAMETER` for what is no UNC path, and for a volume that is not set.
pub fn dsbx_unc_to_local(unc: &str) -> Result<String, HResult> {
    let Some(Spelling::Unc { server, .. }) = Spelling::parse(unc) else {
        return Err(HResult::ERROR_INVALID_PARAMETER);
    };
    volumes(&server)?.to_local(unc)
}

/// DsbxLocalToUnc: the published name of a local path of this computer.
///
/// # Errors
/// `ERROR_INVALID_PARAMETER` for a path that is not absolute or cannot be published.
pub fn dsbx_local_to_unc(local: &str) -> Result<String, HResult> {
    let uname = rustix::system::uname();
    let host = uname.nodename().to_str().map_err(|_| HResult::ERROR_INVALID_PARAMETER)?;
    volumes(host)?.publish(local).map_err(|_| HResult::ERROR_INVALID_PARAMETER)
}

fn volumes(server: &str) -> Result<Volumes, HResult> {
    let options = Options::current();
    let roots = options.volumes.iter().map(|(letter, root)| (*letter, root.as_str()));
    Volumes::new(server, roots).map_err(|_| HResult::ERROR_INVALID_PARAMETER)
}

/// DsbxCancel: makes a call that another thread waits for on this handle return
/// `ERROR_CANCELLED`.
pub fn dsbx_cancel(handle: Handle) -> HResult {
    finish(entry(handle, |_| true), |entry| entry.canceller.cancel())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_options_and_bad_values_are_refused() {
        let bad = HResult::ERROR_INVALID_PARAMETER;
        assert_eq!(dsbx_set_option(99, 1), bad);
        assert_eq!(dsbx_set_option(OPTION_ADDRESSING, 2), bad);
        assert_eq!(dsbx_set_option(OPTION_CONNECT_TIMEOUT, 0), bad);
        assert_eq!(dsbx_set_option(OPTION_SOCKET, 1), bad);
        assert_eq!(dsbx_set_text_option(OPTION_SOCKET, Some("relative")), bad);
        assert_eq!(dsbx_set_text_option(OPTION_VOLUMES, Some("C")), bad);
        assert_eq!(dsbx_set_text_option(OPTION_ADDRESSING, None), bad);
        assert_eq!(dsbx_set_ansi_code_page(932), bad);
    }

    #[test]
    fn names_and_local_paths_are_mapped_both_ways() {
        let unc = dsbx_local_to_unc("/var/lib/x/ntds.dit").unwrap();
        assert!(unc.ends_with("\\ROOT$\\var\\lib\\x\\ntds.dit"), "{unc}");
        assert_eq!(dsbx_unc_to_local(&unc).unwrap(), "/var/lib/x/ntds.dit");
        for name in ["", "ntds.dit", "C:\\x", "\\\\DC1", "\\\\DC1\\Z$\\x"] {
            assert_eq!(dsbx_unc_to_local(name), Err(HResult::ERROR_INVALID_PARAMETER), "{name}");
        }
    }

    #[test]
    fn a_result_is_told_with_what_to_do() {
        let text = dsbx_result_text(HResult::HR_COULD_NOT_CONNECT);
        assert!(text.starts_with("hrCouldNotConnect (0xC7FF0007): "), "{text}");
        assert!(text.ends_with('.'), "{text}");
        assert!(dsbx_result_text(HResult(0xC800_0321)).contains("0xC8000321"));
    }
}
