//! Win32 and RPC codes that the functions return as they are, not wrapped as 0x8007nnnn.
//!
//! Their top bit is 0, so `SUCCEEDED()` takes them for success: compare with 0.
//!
//! Source: values of `winerror.h` (mingw-w64, public domain).

use super::{Code, HResult, codes};

codes! {
    WIN32
    ERROR_ACCESS_DENIED = 0x0000_0005, "ERROR_ACCESS_DENIED",
        "the caller lacks the right for this call",
        "Ask for the right in the service's policy file, or call as root or as the service's user.";
    ERROR_NOT_ENOUGH_MEMORY = 0x0000_0008, "ERROR_NOT_ENOUGH_MEMORY",
        "not enough memory, or a limit on contexts was reached",
        "End contexts that are no longer needed, then try again.";
    ERROR_HANDLE_EOF = 0x0000_0026, "ERROR_HANDLE_EOF",
        "the end of the file is reached",
        "";
    ERROR_INVALID_PARAMETER = 0x0000_0057, "ERROR_INVALID_PARAMETER",
        "an argument or the context handle is invalid",
        "Check the arguments against the documentation of the function.";
    ERROR_NO_UNICODE_TRANSLATION = 0x0000_0459, "ERROR_NO_UNICODE_TRANSLATION",
        "a text cannot be converted between the code page and UTF-16 without loss",
        "Use the W form of the function, or set the code page that the text is in.";
    ERROR_CANCELLED = 0x0000_04C7, "ERROR_CANCELLED",
        "the call was cancelled",
        "";
    RPC_S_INVALID_BINDING = 0x0000_06A6, "RPC_S_INVALID_BINDING",
        "the server named is another computer; only the local one may be named",
        "Name the local computer, or switch addressing of other servers on.";
    RPC_S_UNKNOWN_AUTHN_SERVICE = 0x0000_06D3, "RPC_S_UNKNOWN_AUTHN_SERVICE",
        "the configured security package is unknown to the server",
        "Choose a security package that both sides have.";
    RPC_S_SEC_PKG_ERROR = 0x0000_0721, "RPC_S_SEC_PKG_ERROR",
        "authentication failed inside the security package",
        "Look into the log of the service for the reason.";
}
