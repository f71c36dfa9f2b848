//! Foreign clients: programs that share no code with ours talk to the service.
//!
//! impacket speaks TCP only and the service listens on a Unix socket, so a relay stands between
//! them for the time of the test, on the loopback.

use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::service::{Hosting, Service, tool};
use crate::{Outcome, root};

pub(crate) fn run(_: &[String]) -> Outcome {
    let tool = tool()?;
    let python = python_with_impacket()?;
    let set = testkit::set("clean_8k");
    let dit = set.file("test.edb");
    let scratch = tempfile::tempdir()?;
    let service = Service::start(&Hosting {
        tool: &tool,
        dit: &dit,
        scratch: scratch.path(),
        restore_mode: false,
    })?;
    let port = relay(service.socket.clone())?;
    let status = Command::new(python)
        .arg("-B")
        .arg(root().join("tests/foreign/impacket_client.py"))
        .args(["127.0.0.1", &port.to_string()])
        .arg(&dit)
        .status()?;
    if status.success() { Ok(()) } else { Err("impacket and the service disagree".into()) }
}

/// An interpreter that has impacket: installed into a virtual environment in the target folder.
fn python_with_impacket() -> Outcome<PathBuf> {
    let environment = root().join("target/python");
    let python = environment.join("bin/python3");
    let has_it = |python: &Path| {
        Command::new(python)
            .args(["-c", "import impacket"])
            .output()
            .is_ok_and(|output| output.status.success())
    };
    if !has_it(&python) {
        run_to_end(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
        let requirements = root().join("tests/foreign/requirements.txt");
        run_to_end(
            Command::new(&python).args(["-m", "pip", "install", "--quiet", "-r"]).arg(requirements),
        )?;
    }
    Ok(python)
}

fn run_to_end(command: &mut Command) -> Outcome {
    if command.status()?.success() { Ok(()) } else { Err(format!("{command:?} failed").into()) }
}

/// Relays every connection to a port of the loopback to `socket`; returns the port. The threads
/// end with the process.
fn relay(socket: PathBuf) -> Outcome<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        for tcp in listener.incoming().flatten() {
            if let Ok(unix) = UnixStream::connect(&socket) {
                drop(join(&tcp, &unix));
            }
        }
    });
    Ok(port)
}

fn join(tcp: &TcpStream, unix: &UnixStream) -> io::Result<()> {
    let (mut from_tcp, mut to_tcp) = (tcp.try_clone()?, tcp.try_clone()?);
    let (mut from_unix, mut to_unix) = (unix.try_clone()?, unix.try_clone()?);
    std::thread::spawn(move || {
        drop(io::copy(&mut from_tcp, &mut to_unix));
        drop(to_unix.shutdown(Shutdown::Write));
    });
    std::thread::spawn(move || {
        drop(io::copy(&mut from_unix, &mut to_tcp));
        drop(to_tcp.shutdown(Shutdown::Write));
    });
    Ok(())
}
