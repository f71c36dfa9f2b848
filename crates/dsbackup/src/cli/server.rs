//! The argument SERVER.

use ntdsbcli::Server;

use crate::exit::{Exit, Failure};

/// Reads SERVER: a name, `host:port`, or a socket's path (relative ones with a slash in them).
pub(crate) fn parse(text: &str) -> Result<Server, Failure> {
    let is_relative_path =
        text.contains('/') && !text.starts_with('/') && !text.starts_with("unix:");
    if is_relative_path {
        let path = std::path::absolute(text)
            .map_err(|e| Failure::new(Exit::Usage, format!("server {text:?}: {e}")))?;
        return Ok(Server::at_socket(path));
    }
    Ok(Server::address(text)?)
}
