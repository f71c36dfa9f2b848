//! The service as a program runs it: in the foreground, with signals.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use ntdsbsrv::{Status, run_until};
use rustix::process::{Signal, getpid, kill_process};
use tokio::sync::oneshot;

use crate::client::Site;

#[test]
fn it_reports_readiness_reloads_on_sighup_and_stops_when_told() {
    let site = Site::new("clean_8k");
    let (ready, is_ready) = mpsc::channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let options = site.options();
    let service = std::thread::spawn(move || {
        run_until(
            options,
            |socket, status| ready.send((socket.to_owned(), status.clone())).unwrap(),
            async {
                let _ = stopped.await;
            },
        )
    });
    let (socket, status) = is_ready.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!(socket, site.path("socket"));
    assert!(matches!(status, Status::Online { .. }));
    // The handler is in place before the service says that it is ready.
    kill_process(getpid(), Signal::HUP).unwrap();
    let begun = Instant::now();
    while !site.audit().contains("policy-reloaded") {
        assert!(begun.elapsed() < Duration::from_secs(20));
        std::thread::yield_now();
    }
    drop(stop);
    service.join().unwrap().unwrap();
    assert!(!socket.exists());
    assert!(site.audit().lines().last().unwrap().contains("\"call\":\"stop\""));
}
