//! Client and server over a real socket.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bytes::Bytes;
use dcerpc::association::AssociationGroupId;
use dcerpc::fault::{BindNakReason, FaultStatus};
use dcerpc::{Interface, management};
use dcerpc_net::CallError;
use dcerpc_net::blocking::{Client, Options};
use dcerpc_net::server::{Call, Peer, RpcService, serve};
use ms_dtyp::Guid;
use tokio::sync::oneshot;

const ECHO: u16 = 0;
/// Answers with as many bytes as the first number of the input says.
const PRODUCE: u16 = 1;
/// Runs until it is cancelled, for at most ten seconds.
const SLEEP: u16 = 2;
const PANIC: u16 = 3;
/// Answers when this many calls are inside at the same time.
const MEET: u16 = 4;

fn interface(number: u8) -> Interface {
    Interface { uuid: Guid::from_bytes([number; 16]), major: 1, minor: 0 }
}

#[derive(Default)]
struct Service {
    refuse: bool,
    inside: AtomicUsize,
    cancelled: AtomicUsize,
    rundowns: Mutex<Vec<AssociationGroupId>>,
    met: Mutex<usize>,
    meeting: Condvar,
}

impl RpcService for Service {
    fn interfaces(&self) -> Vec<Interface> {
        vec![interface(1), interface(2)]
    }

    fn admit(&self, peer: &Peer) -> bool {
        assert_eq!(peer.uid, rustix::process::geteuid().as_raw());
        assert_eq!(peer.pid, std::process::id());
        !self.refuse
    }

    fn call(&self, call: Call) -> Result<Bytes, FaultStatus> {
        let word = |at: usize| -> usize {
            let bytes = call.stub.get(at..at + 4).unwrap();
            call.drep.u32(bytes.try_into().unwrap()).try_into().unwrap()
        };
        match call.opnum {
            ECHO => Ok(call.stub),
            PRODUCE => {
                let byte = u8::try_from(word(4)).unwrap();
                Ok(Bytes::from(vec![byte; word(0)]))
            }
            SLEEP => {
                self.inside.fetch_add(1, Ordering::SeqCst);
                let end = Instant::now() + Duration::from_secs(10);
                while Instant::now() < end && !call.cancel.is_set() {
                    thread::sleep(Duration::from_millis(1));
                }
                self.cancelled.fetch_add(1, Ordering::SeqCst);
                Err(FaultStatus::CANCEL)
            }
            PANIC => panic!("on purpose"),
            MEET => {
                let mut met = self.met.lock().unwrap();
                *met += 1;
                self.meeting.notify_all();
                let wait = Duration::from_secs(10);
                let wanted = word(0);
                let (met, _) =
                    self.meeting.wait_timeout_while(met, wait, |met| *met < wanted).unwrap();
                Ok(Bytes::copy_from_slice(&u32::try_from(*met).unwrap().to_le_bytes()))
            }
            _ => Err(FaultStatus::OP_RANGE_ERROR),
        }
    }

    fn rundown(&self, group: AssociationGroupId) {
        self.rundowns.lock().unwrap().push(group);
    }
}

struct Server {
    service: Arc<Service>,
    directory: tempfile::TempDir,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn start(service: Service) -> Self {
        let service = Arc::new(service);
        let directory = tempfile::tempdir().unwrap();
        let (stop, stopped) = oneshot::channel();
        let listener = std::os::unix::net::UnixListener::bind(directory.path().join("s")).unwrap();
        listener.set_nonblocking(true).unwrap();
        let served = Arc::clone(&service);
        let thread = thread::spawn(move || {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            let runtime = builder.worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::UnixListener::from_std(listener).unwrap();
                let shutdown = async { _ = stopped.await };
                serve(listener, served, shutdown).await.unwrap();
            });
        });
        Self { service, directory, stop: Some(stop), thread: Some(thread) }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("s")
    }

    fn client(&self) -> Client {
        Client::connect(&self.path(), Options::default()).unwrap()
    }

    fn stop(&mut self) {
        drop(self.stop.take());
        self.thread.take().unwrap().join().unwrap();
    }

    fn rundowns(&self) -> usize {
        self.service.rundowns.lock().unwrap().len()
    }
}

/// Waits until something that happens elsewhere has happened.
fn eventually(condition: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < end, "did not happen");
        thread::sleep(Duration::from_millis(1));
    }
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

#[test]
fn calls_of_every_size_come_back() {
    let server = Server::start(Service::default());
    let mut client = server.client();
    let context = client.bind(interface(1)).unwrap();
    for size in [0, 1, 15, 16, 17, 5816, 5817, 65_000, 66_000] {
        let stub: Vec<u8> =
            (0..size).map(|n: u32| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
        let reply = client.call(context, ECHO, stub.clone()).unwrap();
        assert_eq!(reply.stub, stub, "{size}");
    }
    let reply = client.call(context, PRODUCE, words(&[4 << 20, 7])).unwrap();
    assert_eq!(reply.stub.len(), 4 << 20);
    assert!(reply.stub.iter().all(|byte| *byte == 7));
}

#[test]
fn eight_calls_run_at_the_same_time_and_answer_in_any_order() {
    let server = Server::start(Service::default());
    let mut client = server.client();
    let context = client.bind(interface(1)).unwrap();
    assert!(client.is_multiplexed());
    let calls: Vec<_> =
        (0..8).map(|_| client.submit(context, MEET, words(&[8])).unwrap()).collect();
    for call in calls.into_iter().rev() {
        assert_eq!(client.wait(call).unwrap().stub, words(&[8]));
    }
}

#[test]
fn more_calls_than_run_at_a_time_are_held_back_not_refused() {
    let server = Server::start(Service::default());
    let mut client = server.client();
    let context = client.bind(interface(1)).unwrap();
    let sizes: Vec<u32> = (0..40).map(|n| 100_000 + n).collect();
    let calls: Vec<_> = sizes
        .iter()
        .map(|size| client.submit(context, PRODUCE, words(&[*size, *size & 0xff])).unwrap())
        .collect();
    for (call, size) in calls.into_iter().zip(sizes) {
        let reply = client.wait(call).unwrap();
        assert_eq!(u32::try_from(reply.stub.len()).unwrap(), size);
        assert!(reply.stub.iter().all(|byte| u32::from(*byte) == size & 0xff));
    }
}

#[test]
fn a_second_interface_is_bound_on_the_same_connection() {
    let server = Server::start(Service::default());
    let mut client = server.client();
    let first = client.bind(interface(1)).unwrap();
    let second = client.bind(interface(2)).unwrap();
    let unknown = client.bind(interface(3)).unwrap_err();
    assert!(matches!(unknown, CallError::BindRejected { result: 2, reason: 1 }), "{unknown:?}");
    assert_eq!(client.call(first, ECHO, &b"1"[..]).unwrap().stub, &b"1"[..]);
    assert_eq!(client.call(second, ECHO, &b"2"[..]).unwrap().stub, &b"2"[..]);
}

#[test]
fn the_management_interface_is_always_there() {
    let server = Server::start(Service::default());
    let mut client = server.client();
    let context = client.bind(management::interface()).unwrap();
    assert_eq!(client.call(context, 2, Bytes::new()).unwrap().stub, words(&[0, 1]));
    assert_eq!(client.call(context, 3, Bytes::new()).unwrap().stub, words(&[5]));
    assert_eq!(client.call(context, 0, Bytes::new()).unwrap().stub.len(), 16 + 4 + 2 * 20 + 4);
}

#[test]
fn a_panic_is_a_fault_and_the_connection_lives() {
    let server = Server::start(Service::default());
    let mut client = server.client();
    let context = client.bind(interface(1)).unwrap();
    let fault = client.call(context, PANIC, Bytes::new()).unwrap_err();
    assert!(matches!(fault, CallError::Fault(FaultStatus::UNSPECIFIED)), "{fault:?}");
    let fault = client.call(context, 99, Bytes::new()).unwrap_err();
    assert!(matches!(fault, CallError::Fault(FaultStatus::OP_RANGE_ERROR)), "{fault:?}");
    assert_eq!(client.call(context, ECHO, &b"x"[..]).unwrap().stub, &b"x"[..]);
}

#[test]
fn another_thread_cancels_a_wait_and_the_connection_lives() {
    let server = Server::start(Service::default());
    let mut client = server.client();
    let context = client.bind(interface(1)).unwrap();
    let canceller = client.canceller();
    let service = Arc::clone(&server.service);
    let other = thread::spawn(move || {
        eventually(|| service.inside.load(Ordering::SeqCst) == 1);
        canceller.cancel();
    });
    let error = client.call(context, SLEEP, Bytes::new()).unwrap_err();
    assert!(matches!(error, CallError::Cancelled), "{error:?}");
    other.join().unwrap();
    eventually(|| server.service.cancelled.load(Ordering::SeqCst) == 1);
    assert_eq!(client.call(context, ECHO, &b"x"[..]).unwrap().stub, &b"x"[..]);
}

#[test]
fn a_call_that_takes_too_long_is_cancelled_on_the_server() {
    let server = Server::start(Service::default());
    let mut client = server.client();
    let context = client.bind(interface(1)).unwrap();
    client.set_call_timeout(Some(Duration::from_millis(50)));
    let error = client.call(context, SLEEP, Bytes::new()).unwrap_err();
    assert!(matches!(error, CallError::TimedOut), "{error:?}");
    eventually(|| server.service.cancelled.load(Ordering::SeqCst) == 1);
}

#[test]
fn answers_of_discarded_calls_are_dropped_on_the_way() {
    let server = Server::start(Service::default());
    let mut client = server.client();
    let context = client.bind(interface(1)).unwrap();
    for _ in 0..20 {
        let big = client.submit(context, PRODUCE, words(&[1 << 20, 1])).unwrap();
        let small = client.submit(context, ECHO, &b"x"[..]).unwrap();
        client.discard(big);
        assert_eq!(client.wait(small).unwrap().stub, &b"x"[..]);
        let error = client.wait(big).unwrap_err();
        assert!(matches!(error, CallError::Protocol(_)), "{error:?}");
    }
}

#[test]
fn a_client_that_vanishes_is_run_down_once_after_its_calls_have_ended() {
    let server = Server::start(Service::default());
    let mut client = server.client();
    let context = client.bind(interface(1)).unwrap();
    client.submit(context, SLEEP, Bytes::new()).unwrap();
    eventually(|| server.service.inside.load(Ordering::SeqCst) == 1);
    assert_eq!(server.rundowns(), 0);
    drop(client);
    eventually(|| server.rundowns() == 1);
    assert_eq!(server.service.cancelled.load(Ordering::SeqCst), 1);
    thread::sleep(Duration::from_millis(20));
    assert_eq!(server.rundowns(), 1);
}

#[test]
fn a_server_that_stops_ends_calls_and_connections_and_runs_groups_down() {
    let mut server = Server::start(Service::default());
    let mut client = server.client();
    let context = client.bind(interface(1)).unwrap();
    let mut idle = server.client();
    idle.bind(interface(1)).unwrap();
    let call = client.submit(context, SLEEP, Bytes::new()).unwrap();
    eventually(|| server.service.inside.load(Ordering::SeqCst) == 1);
    server.stop();
    assert_eq!(server.rundowns(), 2);
    let error = client.wait(call).unwrap_err();
    assert!(matches!(error, CallError::Fault(FaultStatus::CANCEL)), "{error:?}");
    for _ in 0..3 {
        let error = idle.bind(interface(2)).unwrap_err();
        assert!(matches!(error, CallError::Lost(_)), "{error:?}");
    }
    let again = Client::connect(&server.path(), Options::default()).unwrap_err();
    assert!(matches!(again, CallError::Connect { .. }), "{again:?}");
}

#[test]
fn a_peer_that_is_not_admitted_cannot_bind() {
    let server = Server::start(Service { refuse: true, ..Service::default() });
    let error = server.client().bind(interface(1)).unwrap_err();
    let denied = BindNakReason::AUTHENTICATION_FAILED;
    assert!(matches!(error, CallError::BindNak(reason) if reason == denied), "{error:?}");
}

#[test]
fn a_user_with_too_many_connections_hears_of_the_limit() {
    let server = Server::start(Service::default());
    let clients: Vec<_> = (0..dcerpc::limits::UNIX_CONNECTIONS_PER_USER)
        .map(|_| {
            let mut client = server.client();
            client.bind(interface(1)).unwrap();
            client
        })
        .collect();
    let error = server.client().bind(interface(1)).unwrap_err();
    let limit = BindNakReason::LOCAL_LIMIT_EXCEEDED;
    assert!(matches!(error, CallError::BindNak(reason) if reason == limit), "{error:?}");
    drop(clients);
    eventually(|| server.client().bind(interface(1)).is_ok());
}

#[test]
fn nobody_there_is_a_connect_error() {
    let error = Client::connect(Path::new("/nonexistent/socket"), Options::default()).unwrap_err();
    let CallError::Connect { kind, .. } = error else { panic!("{error:?}") };
    assert_eq!(kind, std::io::ErrorKind::NotFound);
}

/// Not a measurement: shows that read-ahead at full depth moves a lot of data quickly enough for
/// a test, with the buffers used again.
#[test]
fn read_ahead_moves_a_quarter_gigabyte() {
    let server = Server::start(Service::default());
    let mut client = server.client();
    let context = client.bind(interface(1)).unwrap();
    let start = Instant::now();
    let mut flight: std::collections::VecDeque<_> =
        (0..4).map(|n| client.submit(context, PRODUCE, words(&[1 << 20, n])).unwrap()).collect();
    for n in 4..260u32 {
        let call = flight.pop_front().unwrap();
        let reply = client.wait(call).unwrap();
        assert_eq!(reply.stub.len(), 1 << 20);
        assert_eq!(u32::from(reply.stub[0]), (n - 4) & 0xff);
        if n < 256 {
            let next = client.submit(context, PRODUCE, words(&[1 << 20, n & 0xff])).unwrap();
            flight.push_back(next);
        }
    }
    let rate = 256.0 * 1.048_576e6 / start.elapsed().as_secs_f64() / 1e9;
    println!("{rate:.2} GB/s");
}
