//! One connection: its bytes, its machine, its running calls.

use std::future::pending;
use std::io::{self, IoSlice, IoSliceMut};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dcerpc::fault::{BindNakReason, FaultStatus};
use dcerpc::server::{Event, ServerConnection};
use dcerpc::{CallId, management};
use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::spawn_blocking;

use super::{Call, Endpoint, Peer};

/// What a call on the blocking pool sends back.
struct Done {
    call: CallId,
    result: Result<Bytes, FaultStatus>,
    has_handles: bool,
}

struct Connection {
    endpoint: Arc<Endpoint>,
    stream: UnixStream,
    peer: Arc<Peer>,
    machine: ServerConnection,
    /// A call that waits for a permit; nothing is read meanwhile.
    waiting: Option<dcerpc::server::Call>,
    done: mpsc::UnboundedSender<Done>,
}

/// Serves a connection to its end, and runs down its group if it was the last one of it.
pub(super) async fn run(
    endpoint: Arc<Endpoint>,
    stream: UnixStream,
    peer: Arc<Peer>,
    refusal: Option<BindNakReason>,
) {
    let config = Arc::clone(&endpoint.config);
    let mut machine = ServerConnection::new(config, Arc::clone(&peer) as _, endpoint.now());
    if let Some(reason) = refusal {
        machine.refuse(reason);
    }
    // Bounded by the calls that execute on one connection.
    let (done, mut results) = mpsc::unbounded_channel();
    let mut connection = Connection { endpoint, stream, peer, machine, waiting: None, done };
    connection.serve(&mut results).await;
    connection.end(&mut results).await;
}

impl Connection {
    async fn serve(&mut self, results: &mut mpsc::UnboundedReceiver<Done>) {
        let mut stopped = self.endpoint.stopped.clone();
        let mut stopping = false;
        loop {
            self.start_calls();
            self.send();
            if self.machine.is_finished() {
                return;
            }
            let interest = self.interest();
            let timeout = self.machine.next_timeout();
            tokio::select! {
                done = results.recv() => {
                    if let Some(done) = done {
                        self.complete(done);
                    }
                    while let Ok(done) = results.try_recv() {
                        self.complete(done);
                    }
                }
                permit = permit(&self.endpoint), if self.waiting.is_some() => {
                    if let (Some(permit), Some(call)) = (permit, self.waiting.take()) {
                        self.start(call, permit);
                    }
                }
                ready = ready(&self.stream, interest) => match ready {
                    Ok(readable) if readable => self.receive(),
                    Ok(_) => {}
                    Err(_) => self.machine.peer_closed(),
                },
                _ = stopped.wait_for(|stop| *stop), if !stopping => {
                    stopping = true;
                    self.machine.shutdown(self.endpoint.now());
                }
                () = sleep(&self.endpoint, timeout) => {
                    self.machine.handle_timeout(self.endpoint.now());
                }
            }
        }
    }

    /// Waits for what still runs, then leaves the association group.
    async fn end(mut self, results: &mut mpsc::UnboundedReceiver<Done>) {
        self.machine.peer_closed();
        let Self { endpoint, stream, machine, done, .. } = self;
        drop(stream);
        // The other senders are with the running calls.
        drop(done);
        while results.recv().await.is_some() {}
        let Some(group) = machine.association_group() else { return };
        let last = endpoint.groups().leave(group);
        if last {
            let service = Arc::clone(&endpoint.service);
            // A panic in there is the service's own matter; the endpoint goes on.
            let _panicked = spawn_blocking(move || service.rundown(group)).await;
        }
    }

    /// Starts what has arrived, as far as there are permits.
    fn start_calls(&mut self) {
        while self.waiting.is_none() {
            let Some(event) = self.machine.poll_event() else { return };
            let Event::Call(call) = event else { continue };
            if self.endpoint.config.interfaces.len() == call.interface + 1 {
                self.management(&call);
                continue;
            }
            match Arc::clone(&self.endpoint.running).try_acquire_owned() {
                Ok(permit) => self.start(call, permit),
                Err(_) => self.waiting = Some(call),
            }
        }
    }

    fn start(&mut self, call: dcerpc::server::Call, permit: OwnedSemaphorePermit) {
        let Some(group) = self.machine.association_group() else { return };
        let id = call.id;
        let call = Call {
            peer: Arc::clone(&self.peer),
            group,
            interface: call.interface,
            opnum: call.opnum,
            stub: call.stub,
            drep: call.drep,
            cancel: call.cancel,
        };
        self.endpoint.statistics.call();
        let service = Arc::clone(&self.endpoint.service);
        let done = self.done.clone();
        drop(spawn_blocking(move || {
            let _permit = permit;
            let run = || (service.call(call), service.has_handles(group));
            let (result, has_handles) = catch_unwind(AssertUnwindSafe(run))
                .unwrap_or((Err(FaultStatus::UNSPECIFIED), true));
            // Nobody listens any more if the runtime is being torn down.
            let _gone = done.send(Done { call: id, result, has_handles });
        }));
    }

    fn management(&mut self, call: &dcerpc::server::Call) {
        let interfaces = self.endpoint.config.interfaces.split_last();
        let interfaces = interfaces.map_or(&[][..], |(_, offered)| offered);
        let statistics = &self.endpoint.statistics;
        let result = management::call(call.opnum, &call.stub, call.drep, interfaces, statistics);
        self.answer(call.id, result);
    }

    fn complete(&mut self, done: Done) {
        self.machine.set_has_handles(done.has_handles);
        self.answer(done.call, done.result);
    }

    fn answer(&mut self, call: CallId, result: Result<Bytes, FaultStatus>) {
        let now = self.endpoint.now();
        match result {
            Ok(stub) => self.machine.respond(call, stub, now),
            Err(status) => self.machine.fault(call, status, now),
        }
    }

    fn interest(&mut self) -> Option<Interest> {
        let read = self.waiting.is_none() && self.machine.recv_buffers().is_some();
        match (read, self.machine.wants_write()) {
            (true, true) => Some(Interest::READABLE | Interest::WRITABLE),
            (true, false) => Some(Interest::READABLE),
            (false, true) => Some(Interest::WRITABLE),
            (false, false) => None,
        }
    }

    /// Receives what is there, up to a few calls' worth, so that answers get their turn.
    fn receive(&mut self) {
        for _ in 0..READS_PER_TURN {
            let Some([first, second]) = self.machine.recv_buffers() else { return };
            let mut places = [IoSliceMut::new(first), IoSliceMut::new(second)];
            match self.stream.try_read_vectored(&mut places) {
                Ok(0) => return self.machine.peer_closed(),
                Ok(count) => {
                    let now = self.endpoint.now();
                    self.endpoint.statistics.received();
                    self.machine.received(count, now, &mut self.endpoint.groups());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return self.machine.peer_closed(),
            }
        }
    }

    /// Sends what the socket takes now, without SIGPIPE where the peer is gone.
    fn send(&mut self) {
        while self.machine.wants_write() {
            let mut slices = [IoSlice::new(&[]); SLICES_PER_SEND];
            let mut count = 0;
            for (slot, slice) in slices.iter_mut().zip(self.machine.output()) {
                *slot = IoSlice::new(slice);
                count += 1;
            }
            let slices = slices.get(..count).unwrap_or_default();
            let sent = self.stream.try_io(Interest::WRITABLE, || {
                let mut none = SendAncillaryBuffer::default();
                Ok(sendmsg(&self.stream, slices, &mut none, SendFlags::NOSIGNAL)?)
            });
            match sent {
                Ok(count) => {
                    self.endpoint.statistics.sent();
                    self.machine.written(count, self.endpoint.now());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return self.machine.peer_closed(),
            }
        }
    }
}

async fn permit(endpoint: &Endpoint) -> Option<OwnedSemaphorePermit> {
    Arc::clone(&endpoint.running).acquire_owned().await.ok()
}

/// Waits until the stream is ready; true if there may be something to read.
async fn ready(stream: &UnixStream, interest: Option<Interest>) -> io::Result<bool> {
    match interest {
        None => pending().await,
        Some(interest) => {
            let ready = stream.ready(interest).await?;
            Ok(interest.is_readable() && (ready.is_readable() || ready.is_read_closed()))
        }
    }
}

async fn sleep(endpoint: &Endpoint, until: Option<u64>) {
    match until {
        None => pending().await,
        Some(until) => {
            let left = until.saturating_sub(endpoint.now());
            tokio::time::sleep(Duration::from_millis(left)).await;
        }
    }
}

/// Slices of one send: eight large fragments with their heads are half a megabyte.
const SLICES_PER_SEND: usize = 16;

/// Reads before answers and timers are looked at again.
const READS_PER_TURN: usize = 16;
