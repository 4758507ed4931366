//! View helpers that pages share.

pub(super) mod assets;
pub(super) mod avatar;
pub(super) mod code_expiry;
pub(super) mod headers;
pub(super) mod notice;
pub(super) mod page;
pub(super) mod paths;
pub(super) mod qr;
pub(super) mod times;
