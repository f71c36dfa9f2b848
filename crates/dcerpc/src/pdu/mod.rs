//! Protocol data units of the connection-oriented protocol.
//!
//! ```text
//! offset size  common header, every PDU
//!      0    1  rpc_vers          5
//!      1    1  rpc_vers_minor    0
//!      2    1  ptype             [`PacketType`]
//!      3    1  pfc_flags         [`PfcFlags`]
//!      4    4  drep              [`DataRepresentation`]
//!      8    2  frag_length       whole PDU, header and authentication value included
//!     10    2  auth_length       authentication value only; 0: no verifier
//!     12    4  call_id           [`CallId`]
//!     16       body
//! ```
//!
//! A verifier, where there is one, ends the PDU: 8 bytes of trailer, 4-aligned, then the value
//! (see [`auth`]). It is found from the end, because some peers leave unknown bytes before it.
//!
//! [`Pdu::parse`] and [`Pdu::encode`] are inverse. The machines use them for everything but the
//! stub data of requests and responses, which go past them without a copy.
//!
//! Source: C706 12.6.3, 12.6.4; [MS-RPCE] 2.2.2.

use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

pub mod auth;
mod bind;
mod call;
pub(crate) mod wire;

pub use auth::AuthVerifier;
pub use bind::{
    Bind, BindAck, BindNak, ContextElement, ContextResult, REASON_ABSTRACT_SYNTAX,
    REASON_LOCAL_LIMIT, REASON_NOT_SPECIFIED, REASON_TRANSFER_SYNTAXES, RESULT_ACCEPTANCE,
    RESULT_NEGOTIATE_ACK, RESULT_PROVIDER_REJECTION, RESULT_USER_REJECTION,
};
pub use call::{FAULT_ALLOC_HINT, Fault, Request, Response};

use crate::error::Error;
use crate::limits::COMMON_HEADER;
use crate::pdu::wire::{Reader, Writer};
use crate::{CallId, DataRepresentation};

/// Type of a PDU; unknown ones are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PacketType(pub u8);

macro_rules! packet_types {
    ($($(#[$doc:meta])* $name:ident = $value:literal, $text:literal;)*) => {
        impl PacketType {
            $($(#[$doc])* pub const $name: Self = Self($value);)*
        }

        impl fmt::Display for PacketType {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match *self {
                    $(Self::$name => f.write_str($text),)*
                    Self(other) => write!(f, "type {other}"),
                }
            }
        }
    };
}

packet_types! {
    /// A fragment of a call's input.
    REQUEST = 0, "request";
    /// A fragment of a call's output.
    RESPONSE = 2, "response";
    /// The end of a call that did not complete.
    FAULT = 3, "fault";
    /// The first PDU of a connection.
    BIND = 11, "bind";
    /// The answer to bind.
    BIND_ACK = 12, "bind_ack";
    /// The refusal of bind; the connection ends.
    BIND_NAK = 13, "bind_nak";
    /// More presentation or security contexts.
    ALTER_CONTEXT = 14, "alter_context";
    /// The answer to alter_context.
    ALTER_CONTEXT_RESP = 15, "alter_context_resp";
    /// The third leg of an authentication; never answered.
    AUTH3 = 16, "auth3";
    /// The server asks the client to hang up.
    SHUTDOWN = 17, "shutdown";
    /// The client wants a call to end early.
    CO_CANCEL = 18, "co_cancel";
    /// The client has lost interest in a call.
    ORPHANED = 19, "orphaned";
    /// RPC over HTTP only; refused.
    RTS = 20, "rts";
}

/// Flags of a PDU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PfcFlags(pub u8);

impl PfcFlags {
    /// First fragment of a call.
    pub const FIRST: Self = Self(0x01);
    /// Last fragment of a call.
    pub const LAST: Self = Self(0x02);
    /// A cancel was pending when a request was sent; header signing in bind and alter.
    pub const PENDING_CANCEL: Self = Self(0x04);
    /// Several calls at a time on one connection.
    pub const CONC_MPX: Self = Self(0x10);
    /// The call of this fault has not been executed.
    pub const DID_NOT_EXECUTE: Self = Self(0x20);
    /// The client does not need an answer; ignored, since no operation is of that kind.
    pub const MAYBE: Self = Self(0x40);
    /// A request carries an object UUID.
    pub const OBJECT_UUID: Self = Self(0x80);
    /// The flags of a PDU that is not fragmented.
    pub const WHOLE: Self = Self(0x03);

    /// Whether all of `flags` are set.
    pub const fn has(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// These flags and `flags`.
    #[must_use]
    pub const fn with(self, flags: Self) -> Self {
        Self(self.0 | flags.0)
    }

    /// These flags without `flags`.
    #[must_use]
    pub const fn without(self, flags: Self) -> Self {
        Self(self.0 & !flags.0)
    }
}

/// The common header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Type of the PDU.
    pub packet: PacketType,
    /// Flags.
    pub flags: PfcFlags,
    /// How its numbers are written.
    pub drep: DataRepresentation,
    /// Length of the whole PDU in bytes; at least 16.
    pub frag_length: u16,
    /// Length of the authentication value in bytes; with its trailer it fits into the PDU.
    pub auth_length: u16,
    /// The call it belongs to.
    pub call_id: CallId,
}

impl Header {
    /// Reads and checks a common header.
    ///
    /// # Errors
    /// [`Error::Version`], [`Error::DataRepresentation`], [`Error::Malformed`].
    pub fn parse(bytes: &[u8; COMMON_HEADER]) -> Result<Self, Error> {
        let [major, minor, packet, flags, d0, d1, d2, d3, rest @ ..] = *bytes;
        if (major, minor) != (5, 0) {
            return Err(Error::Version { major, minor });
        }
        let label = [d0, d1, d2, d3];
        let drep =
            DataRepresentation::from_bytes(label).ok_or(Error::DataRepresentation { label })?;
        let packet = PacketType(packet);
        let [f0, f1, a0, a1, c0, c1, c2, c3] = rest;
        let header = Self {
            packet,
            flags: PfcFlags(flags),
            drep,
            frag_length: drep.u16([f0, f1]),
            auth_length: drep.u16([a0, a1]),
            call_id: CallId(drep.u32([c0, c1, c2, c3])),
        };
        if usize::from(header.frag_length) < COMMON_HEADER {
            return Err(Error::Malformed { packet, what: "frag_length is less than the header" });
        }
        if header.auth_length > 0
            && header.verifier_size().saturating_add(COMMON_HEADER)
                > usize::from(header.frag_length)
        {
            return Err(Error::Malformed { packet, what: "auth_length is more than the PDU" });
        }
        Ok(header)
    }

    /// Bytes of trailer and authentication value at the PDU's end.
    pub fn verifier_size(&self) -> usize {
        match usize::from(self.auth_length) {
            0 => 0,
            value => value + auth::TRAILER,
        }
    }
}

/// A whole PDU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pdu {
    /// Flags. [`PfcFlags::OBJECT_UUID`] follows the body, whatever is set here.
    pub flags: PfcFlags,
    /// How its numbers are written.
    pub drep: DataRepresentation,
    /// The call it belongs to.
    pub call_id: CallId,
    /// What it says.
    pub body: Body,
    /// The verifier, if there is one.
    pub auth: Option<AuthVerifier>,
}

/// The body of a PDU, by type.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Body {
    /// A fragment of a call's input.
    Request(Request),
    /// A fragment of a call's output.
    Response(Response),
    /// The end of a call that did not complete.
    Fault(Fault),
    /// The first PDU of a connection.
    Bind(Bind),
    /// The answer to bind.
    BindAck(BindAck),
    /// The refusal of bind.
    BindNak(BindNak),
    /// More contexts.
    AlterContext(Bind),
    /// The answer to alter_context.
    AlterContextResp(BindAck),
    /// The third leg of an authentication: all is in the verifier.
    Auth3,
    /// The server asks the client to hang up.
    Shutdown,
    /// The client wants the call to end early.
    CoCancel,
    /// The client has lost interest in the call.
    Orphaned,
}

impl Body {
    /// The PDU's type.
    pub const fn packet(&self) -> PacketType {
        match self {
            Self::Request(_) => PacketType::REQUEST,
            Self::Response(_) => PacketType::RESPONSE,
            Self::Fault(_) => PacketType::FAULT,
            Self::Bind(_) => PacketType::BIND,
            Self::BindAck(_) => PacketType::BIND_ACK,
            Self::BindNak(_) => PacketType::BIND_NAK,
            Self::AlterContext(_) => PacketType::ALTER_CONTEXT,
            Self::AlterContextResp(_) => PacketType::ALTER_CONTEXT_RESP,
            Self::Auth3 => PacketType::AUTH3,
            Self::Shutdown => PacketType::SHUTDOWN,
            Self::CoCancel => PacketType::CO_CANCEL,
            Self::Orphaned => PacketType::ORPHANED,
        }
    }
}

impl Pdu {
    /// A PDU in one fragment, little-endian, without verifier.
    pub const fn new(call_id: CallId, body: Body) -> Self {
        Self {
            flags: PfcFlags::WHOLE,
            drep: DataRepresentation::LittleEndian,
            call_id,
            body,
            auth: None,
        }
    }

    /// Adds flags.
    #[must_use]
    pub fn with_flags(mut self, flags: PfcFlags) -> Self {
        self.flags = self.flags.with(flags);
        self
    }

    /// Reads the PDU at the start of `bytes`, which must hold all of it; what follows is ignored.
    ///
    /// # Errors
    /// As [`Header::parse`]; [`Error::Malformed`] for a body that contradicts itself or the
    /// header; [`Error::Unexpected`] for a type that does not belong to this protocol.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let short = Error::Malformed { packet: PacketType(0xff), what: "no whole header" };
        let header = Header::parse(bytes.first_chunk().ok_or(short)?)?;
        let packet = header.packet;
        let cut = |what| Error::Malformed { packet, what };
        let whole = bytes
            .get(..usize::from(header.frag_length))
            .ok_or(cut("fewer bytes than frag_length"))?;
        let end = whole.len().saturating_sub(header.verifier_size());
        let (before, verifier) = whole.split_at_checked(end).ok_or(cut("no body"))?;
        let auth = match header.auth_length {
            0 => None,
            _ => Some(AuthVerifier::parse(packet, header.drep, verifier)?),
        };
        let body = before.get(COMMON_HEADER..).ok_or(cut("no body"))?;
        let pad = auth.as_ref().map_or(0, |auth| usize::from(auth.pad_length));
        let mut reader = Reader::new(packet, header.drep, body);
        let body = match packet {
            PacketType::REQUEST => Body::Request(Request::parse(&mut reader, header.flags, pad)?),
            PacketType::RESPONSE => Body::Response(Response::parse(&mut reader, pad)?),
            PacketType::FAULT => Body::Fault(Fault::parse(&mut reader, pad)?),
            PacketType::BIND => Body::Bind(Bind::parse(&mut reader)?),
            PacketType::BIND_ACK => Body::BindAck(BindAck::parse(&mut reader)?),
            PacketType::BIND_NAK => Body::BindNak(BindNak::parse(&mut reader)?),
            PacketType::ALTER_CONTEXT => Body::AlterContext(Bind::parse(&mut reader)?),
            PacketType::ALTER_CONTEXT_RESP => Body::AlterContextResp(BindAck::parse(&mut reader)?),
            PacketType::AUTH3 => Body::Auth3,
            PacketType::SHUTDOWN => Body::Shutdown,
            PacketType::CO_CANCEL => Body::CoCancel,
            PacketType::ORPHANED => Body::Orphaned,
            _ => {
                return Err(Error::Unexpected { packet, state: "in this protocol" });
            }
        };
        Ok(Self { flags: header.flags, drep: header.drep, call_id: header.call_id, body, auth })
    }

    /// The PDU's bytes. Padding before the verifier and its `pad_length` are made here.
    ///
    /// A PDU longer than 65,535 bytes cannot be expressed: `None`.
    pub fn encode(&self) -> Option<Vec<u8>> {
        let mut writer = Writer::new(self.drep);
        let mut flags = self.flags;
        writer.header(self.body.packet(), flags, self.call_id);
        match &self.body {
            Body::Request(request) => {
                flags = flags.without(PfcFlags::OBJECT_UUID);
                if request.object.is_some() {
                    flags = flags.with(PfcFlags::OBJECT_UUID);
                }
                writer.set_flags(flags);
                request.write(&mut writer);
            }
            Body::Response(response) => response.write(&mut writer),
            Body::Fault(fault) => fault.write(&mut writer),
            Body::Bind(bind) | Body::AlterContext(bind) => bind.write(&mut writer)?,
            Body::BindAck(ack) | Body::AlterContextResp(ack) => ack.write(&mut writer)?,
            Body::BindNak(nak) => nak.write(&mut writer)?,
            Body::Auth3 => writer.u32(0),
            Body::Shutdown | Body::CoCancel | Body::Orphaned => {}
        }
        if let Some(auth) = &self.auth {
            let stub = match &self.body {
                Body::Request(request) => Some(&request.stub),
                Body::Response(response) => Some(&response.stub),
                Body::Fault(fault) => Some(&fault.stub),
                _ => None,
            };
            auth.write(&mut writer, stub.map(Bytes::len))?;
        }
        writer.finish()
    }
}

#[cfg(test)]
mod tests;
