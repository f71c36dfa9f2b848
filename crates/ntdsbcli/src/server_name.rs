//! Server names: which strings are well formed, and which of them mean this computer.
//!
//! ```text
//! server  = [ "\\" ] name            exactly zero or two backslashes
//! name    = netbios / dns
//! netbios = 1*15 NetBIOS-legal characters except "_" and "."
//! dns     = label *( "." label ) [ "." ]    at most 255, label 1..63 letters, digits, hyphens
//! ```
//!
//! By the documentation the name must be that of the computer the caller runs on. Whether it is
//! one is decided by comparing names: no resolver is asked and nothing is sent. A malformed name
//! is `hrCouldNotConnect`, a well-formed name of another computer is `RPC_S_INVALID_BINDING`.
//!
//! With the addressing extension a string can also name a socket (`/path`, `unix:/path`,
//! `ncalrpc:[name]`) or a host and port.
//!
//! Source: DsIsNTDSOnline and DsBackupPrepare (Win32 documentation, "Active Directory Backup
//! Functions"); the grammar and the local-name rule are this project's decisions.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

/// The directory in which local endpoints are sockets.
pub const ENDPOINT_DIRECTORY: &str = "/run/dsbackup/ncalrpc";

/// The socket of the service of this computer.
pub const DEFAULT_SOCKET: &str = "/run/dsbackup/ncalrpc/dsbackup";

/// Where a server string leads.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Address {
    /// The service of this computer, at its usual socket.
    ThisComputer,
    /// A Unix-domain socket.
    Socket(PathBuf),
    /// A host reached over TCP; the port is `None` where the string names none.
    Tcp {
        /// Host name, IPv4 or IPv6 address without brackets.
        host: String,
        /// Port number.
        port: Option<u16>,
    },
}

/// Why a server string leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The string is no server name.
    #[error("{0}")]
    Malformed(&'static str),
    /// The name is well formed and is not this computer's.
    #[error("it is not the name of this computer")]
    NotThisComputer,
}

/// The names under which this computer knows itself.
#[derive(Clone, Debug, Default)]
pub struct LocalNames {
    names: Vec<String>,
}

impl LocalNames {
    /// The kernel's host name, its first label, the fully qualified name where the kernel knows
    /// one, `localhost`, `.`, and `additional` names from the configuration.
    pub fn of_this_computer(additional: &[String]) -> Self {
        let uname = rustix::system::uname();
        let mut names = vec![".".to_owned(), "localhost".to_owned()];
        if let Ok(host) = uname.nodename().to_str() {
            let first = host.split('.').next().unwrap_or(host);
            names.push(first.to_owned());
            names.push(host.to_owned());
            if let Some(domain) = domain_of(&uname) {
                names.push(format!("{first}.{domain}"));
            }
        }
        names.extend(additional.iter().map(|name| name.trim_end_matches('.').to_owned()));
        names.retain(|name| !name.is_empty());
        LocalNames { names }
    }

    /// Whether `name` (without backslashes) is one of the names; ASCII case and one trailing dot
    /// make no difference.
    pub fn contains(&self, name: &str) -> bool {
        let bare = if name == "." { name } else { name.strip_suffix('.').unwrap_or(name) };
        self.names.iter().any(|known| known.eq_ignore_ascii_case(bare))
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn domain_of(uname: &rustix::system::Uname) -> Option<String> {
    let domain = uname.domainname().to_str().ok()?;
    (!domain.is_empty() && domain != "(none)").then(|| domain.to_owned())
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn domain_of(_: &rustix::system::Uname) -> Option<String> {
    None
}

/// Reads a server name by the documented rules: only this computer is reachable.
pub fn documented(server: &str, local: &LocalNames) -> Result<Address, NameError> {
    let name = without_backslashes(server)?;
    check_name(name)?;
    if local.contains(name) { Ok(Address::ThisComputer) } else { Err(NameError::NotThisComputer) }
}

/// Reads a server name or one of the extension forms.
pub fn extended(server: &str, local: &LocalNames) -> Result<Address, NameError> {
    if server.starts_with('/') {
        return socket(server);
    }
    if let Some(path) = server.strip_prefix("unix:") {
        return socket(path);
    }
    if let Some(rest) = server.strip_prefix("ncalrpc:") {
        return local_endpoint(rest);
    }
    if let Some(rest) = server.strip_prefix("ncacn_ip_tcp:") {
        return tcp_binding(rest);
    }
    let name = without_backslashes(server)?;
    if let Some(rest) = name.strip_prefix('[') {
        return bracketed(rest);
    }
    if name.parse::<Ipv4Addr>().is_ok() || name.parse::<Ipv6Addr>().is_ok() {
        return Ok(Address::Tcp { host: name.to_owned(), port: None });
    }
    if let Some((host, port)) = name.split_once(':') {
        return Ok(Address::Tcp { host: checked(host)?, port: Some(port_number(port)?) });
    }
    check_name(name)?;
    if local.contains(name) {
        return Ok(Address::ThisComputer);
    }
    Ok(Address::Tcp { host: name.to_owned(), port: None })
}

fn without_backslashes(server: &str) -> Result<&str, NameError> {
    let name = server.trim_start_matches('\\');
    if name.is_empty() {
        return Err(NameError::Malformed("the name is empty"));
    }
    match server.len() - name.len() {
        0 | 2 => Ok(name),
        _ => Err(NameError::Malformed("a name begins with two backslashes or with none")),
    }
}

fn check_name(name: &str) -> Result<(), NameError> {
    if name == "." {
        return Ok(());
    }
    let bare = name.strip_suffix('.').unwrap_or(name);
    if name.len() > NAME_MAX {
        return Err(NameError::Malformed("the name is longer than 255 characters"));
    }
    if bare.contains('_') {
        return Err(NameError::Malformed("a server name has no underscore"));
    }
    if is_netbios(bare) || bare.split('.').all(is_label) {
        return Ok(());
    }
    Err(NameError::Malformed("it is neither a NetBIOS name nor a DNS name"))
}

fn is_netbios(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-!#$%&'()@^{}~".contains(&byte);
    (1..=NETBIOS_MAX).contains(&name.len()) && name.bytes().all(legal)
}

fn is_label(label: &str) -> bool {
    (1..=LABEL_MAX).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn checked(host: &str) -> Result<String, NameError> {
    check_name(host)?;
    Ok(host.to_owned())
}

fn socket(path: &str) -> Result<Address, NameError> {
    if !path.starts_with('/') || path.contains('\0') {
        return Err(NameError::Malformed("a socket is named by its absolute path"));
    }
    if path.len() > SOCKET_PATH_MAX {
        return Err(NameError::Malformed("a socket's path has at most 107 bytes"));
    }
    Ok(Address::Socket(PathBuf::from(path)))
}

fn local_endpoint(rest: &str) -> Result<Address, NameError> {
    let inner = rest.strip_prefix('[').and_then(|inner| inner.strip_suffix(']'));
    match inner.unwrap_or(rest) {
        "" => Ok(Address::ThisComputer),
        name if name.contains(['/', '\0']) || name.starts_with('.') => {
            Err(NameError::Malformed("an endpoint's name is a plain file name"))
        }
        name => Ok(Address::Socket(Path::new(ENDPOINT_DIRECTORY).join(name))),
    }
}

fn tcp_binding(rest: &str) -> Result<Address, NameError> {
    let Some((host, endpoint)) = rest.split_once('[') else {
        return Ok(Address::Tcp { host: checked(rest)?, port: None });
    };
    let Some(port) = endpoint.strip_suffix(']') else {
        return Err(NameError::Malformed("the port's bracket is not closed"));
    };
    Ok(Address::Tcp { host: checked(host)?, port: Some(port_number(port)?) })
}

fn bracketed(rest: &str) -> Result<Address, NameError> {
    let Some((host, tail)) = rest.split_once(']') else {
        return Err(NameError::Malformed("the address's bracket is not closed"));
    };
    if host.parse::<Ipv6Addr>().is_err() {
        return Err(NameError::Malformed("brackets hold an IPv6 address"));
    }
    let port = match tail.strip_prefix(':') {
        Some(port) => Some(port_number(port)?),
        None if tail.is_empty() => None,
        None => return Err(NameError::Malformed("only a port may follow the address")),
    };
    Ok(Address::Tcp { host: host.to_owned(), port })
}

fn port_number(text: &str) -> Result<u16, NameError> {
    match text.parse::<u16>() {
        Ok(port) if port != 0 => Ok(port),
        _ => Err(NameError::Malformed("a port is a number from 1 to 65535")),
    }
}

/// Characters of a whole DNS name.
const NAME_MAX: usize = 255;
/// Characters of one DNS label.
const LABEL_MAX: usize = 63;
/// Characters of a NetBIOS name; the sixteenth byte is the suffix.
const NETBIOS_MAX: usize = 15;
/// `sun_path` holds 108 bytes with the terminator.
const SOCKET_PATH_MAX: usize = 107;

#[cfg(test)]
mod tests {
    use super::*;

    fn local() -> LocalNames {
        LocalNames { names: [".", "localhost", "dc1", "dc1.example.com"].map(str::to_owned).into() }
    }

    fn malformed(name: &str) {
        assert!(matches!(documented(name, &local()), Err(NameError::Malformed(_))), "{name:?}");
    }

    #[test]
    fn names_of_this_computer_are_accepted_in_any_case_and_with_a_trailing_dot() {
        for name in ["dc1", "DC1", "\\\\dc1", "dc1.", "DC1.Example.COM.", ".", "\\\\.", "localhost"]
        {
            assert_eq!(documented(name, &local()), Ok(Address::ThisComputer), "{name}");
        }
    }

    #[test]
    fn other_computers_are_told_apart_from_malformed_names() {
        for name in ["dc2", "\\\\dc2", "dc1.example.org", "a!b"] {
            assert_eq!(documented(name, &local()), Err(NameError::NotThisComputer), "{name}");
        }
    }

    #[test]
    fn malformed_names_are_refused() {
        for name in ["", "\\", "\\\\", "\\dc1", "\\\\\\dc1", "\\\\\\\\dc1", "dc1\\x", "dc1/x"] {
            malformed(name);
        }
        for name in ["dc 1", "dc1\u{7}", "dc_1", "..", "dc1..", "a..b", "dc1:5", "-a.b", "d\u{e9}"]
        {
            malformed(name);
        }
        malformed(&"a".repeat(64));
        malformed(&format!("{}b", "a.".repeat(128)));
        malformed(&"x".repeat(100_000));
    }

    #[test]
    fn extension_forms_are_recognised() {
        let tcp = |host: &str, port| Ok(Address::Tcp { host: host.into(), port });
        let read = |name: &str| extended(name, &local());
        assert_eq!(read("/run/x_y"), Ok(Address::Socket("/run/x_y".into())));
        assert_eq!(read("unix:/run/x"), Ok(Address::Socket("/run/x".into())));
        assert_eq!(read("ncalrpc:"), Ok(Address::ThisComputer));
        assert_eq!(read("ncalrpc:[a]"), Ok(Address::Socket("/run/dsbackup/ncalrpc/a".into())));
        assert_eq!(read("ncacn_ip_tcp:dc2[49300]"), tcp("dc2", Some(49300)));
        assert_eq!(read("dc2:49300"), tcp("dc2", Some(49300)));
        assert_eq!(read("[fe80::1]:49300"), tcp("fe80::1", Some(49300)));
        assert_eq!(read("fe80::1"), tcp("fe80::1", None));
        assert_eq!(read("10.0.0.1"), tcp("10.0.0.1", None));
        assert_eq!(read("dc2"), tcp("dc2", None));
        assert_eq!(read("\\\\DC1"), Ok(Address::ThisComputer));
    }

    #[test]
    fn bad_extension_forms_are_refused() {
        for name in ["unix:run", "ncalrpc:[../x]", "dc2:0", "dc2:65536", "dc_2:5", "[::1", "[x]:5"]
        {
            assert!(matches!(extended(name, &local()), Err(NameError::Malformed(_))), "{name}");
        }
    }

    #[test]
    fn this_computer_knows_its_own_name() {
        let names = LocalNames::of_this_computer(&["Alias.".to_owned()]);
        let host = rustix::system::uname().nodename().to_str().unwrap().to_owned();
        assert!(names.contains(&host) && names.contains("localhost") && names.contains("ALIAS"));
    }
}
