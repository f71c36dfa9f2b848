//! Client and server over a real socket.
