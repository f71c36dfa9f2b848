#![no_main]
//! A server's connection under arbitrary bytes in arbitrary pieces; calls that arrive are answered.

use std::sync::Arc;

use bytes::Bytes;
use dcerpc::association::AssociationGroups;
use dcerpc::security::LocalPeer;
use dcerpc::server::{Event, ServerConfig, ServerConnection};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let interfaces = vec![ntdsb::idl::backup::INTERFACE, ntdsb::idl::restore::INTERFACE];
    let config = Arc::new(ServerConfig::new(interfaces, b"socket".to_vec()));
    let mut groups = AssociationGroups::new(|| 0x0001_0000);
    let peer = Arc::new(LocalPeer::new(0, 0, Vec::new(), 1));
    let mut connection = ServerConnection::new(config, peer, 0);
    let (mut rest, mut now) = (data, 0);
    while !rest.is_empty() {
        let Some(buffers) = connection.recv_buffers() else { break };
        let mut count = 0;
        for buffer in buffers {
            let length = buffer.len().min(rest.len());
            buffer[..length].copy_from_slice(&rest[..length]);
            rest = &rest[length..];
            count += length;
        }
        now += 1;
        connection.received(count, now, &mut groups);
        while let Some(event) = connection.poll_event() {
            if let Event::Call(call) = event {
                connection.respond(call.id, Bytes::from(vec![0; usize::from(call.opnum)]), now);
            }
        }
        let written = connection.output().map(<[u8]>::len).sum();
        connection.written(written, now);
    }
});
