//! Every bound of the protocol engine, each with its reason.
//!
//! What comes from the peer is compared with these numbers before anything is allocated.

/// Common header of every PDU, bytes.
pub const COMMON_HEADER: usize = 16;

/// Header of request and response up to the stub data, bytes (without object UUID).
pub const CALL_HEADER: usize = 24;

/// Fragment size that this transport starts with and grants to foreign peers, bytes. Windows and
/// Samba use it for TCP; peers assert it.
pub const FRAGMENT_DEFAULT: u16 = 5840;

/// Fragment size between our own peers, bytes: the largest multiple of 8 that `frag_length` can
/// express, so that a read of 1 MiB takes 17 fragments instead of 182.
pub const FRAGMENT_LARGE: u16 = 0xFFF8;

/// What a negotiated fragment size is raised to, bytes: servers in the field never go below.
pub const FRAGMENT_MIN_GRANTED: u16 = 2048;

/// Fragment size that each receiver must accept (C706 MustRecvFragSize), bytes. A server that
/// announces less than this breaks the protocol.
pub const FRAGMENT_MUST_RECEIVE: u16 = 1432;

/// auth3 including its token, bytes: Kerberos tickets with large authorization data fit, and
/// whoever needs more has alter_context.
pub const AUTH3_MAX: u16 = 16 * 1024;

/// Reassembled stub of a request, bytes: the largest legal request carries a 64 KiB token.
pub const REQUEST_STUB_MAX: usize = 64 * 1024 + 1024;

/// Reassembled stub of a response, bytes: the largest legal response is a read of 4 MiB.
pub const RESPONSE_STUB_MAX: usize = 4 * 1024 * 1024 + 64 * 1024;

/// What a server allocates on the word of a request's alloc_hint, bytes.
pub const REQUEST_HINT_MAX: usize = 64 * 1024;

/// Fragments of one call: more are a flood of tiny fragments (4 MiB in 5840-byte fragments are
/// 725).
pub const FRAGMENTS_PER_CALL: u32 = 4096;

/// Fragments of one call without stub data that are not the call's only fragment.
pub const EMPTY_FRAGMENTS_PER_CALL: u32 = 16;

/// Presentation contexts accepted on a connection; there are two interfaces and the management
/// interface.
pub const CONTEXTS_PER_CONNECTION: usize = 8;

/// Calls that execute, or whose answers wait to be sent, on one connection. Further ones are not
/// read: the transport's flow control holds the client back.
pub const EXECUTING_PER_CONNECTION: usize = 8;

/// Calls that execute in the whole server.
pub const EXECUTING_TOTAL: usize = 32;

/// Answers to calls that were never made, which a client tolerates before it hangs up.
pub const UNMATCHED_RESPONSES: u32 = 16;

/// Calls in flight on a client's connection.
pub const CALLS_PER_CLIENT: usize = 64;

/// Association groups of a server.
pub const ASSOCIATION_GROUPS: usize = 128;

/// Connections of one association group.
pub const CONNECTIONS_PER_GROUP: usize = 8;

/// Connections over Unix sockets in the whole server.
pub const UNIX_CONNECTIONS: usize = 128;

/// Connections over Unix sockets of one user. Every context of a client library holds its own
/// connection, and one process may hold 64 contexts.
pub const UNIX_CONNECTIONS_PER_USER: usize = 64;

/// Connections above the limits that are kept just long enough to hear "local limit exceeded".
pub const REFUSED_CONNECTIONS: usize = 16;

/// Time from accept to the end of the bind, milliseconds.
pub const BIND_TIMEOUT_MS: u64 = 10_000;

/// Time in which a fragment or a call that was begun must be complete, milliseconds.
pub const INCOMPLETE_TIMEOUT_MS: u64 = 60_000;

/// Time in which a peer must take some of the bytes that wait for it, milliseconds: a client that
/// does not read must not hold a connection and its buffers for ever.
pub const WRITE_TIMEOUT_MS: u64 = 15 * 60_000;

/// Time without calls after which a connection without context handles ends, milliseconds.
pub const IDLE_TIMEOUT_MS: u64 = 5 * 60_000;

/// The same for a connection whose association group holds context handles.
pub const IDLE_WITH_HANDLES_TIMEOUT_MS: u64 = 15 * 60_000;

/// Time for the last bytes of a connection that ends in an error, milliseconds.
pub const FLUSH_TIMEOUT_MS: u64 = 10_000;

/// Reassembly buffers that a connection keeps for its next calls.
pub const POOLED_BUFFERS: usize = 8;

/// Bytes that these buffers hold together: the read-ahead of one file (8 MiB) and one more unit.
pub const POOLED_BYTES: usize = 9 * 1024 * 1024;
