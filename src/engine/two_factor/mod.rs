//! Two-factor sign-in: challenges, authenticators, recovery codes.

pub(super) mod authenticators;
pub(super) mod challenges;
pub(super) mod recovery_codes;
