//! Forms: parsing, CSRF, uploads, duplicate submissions.

pub(super) mod countries;
pub(super) mod duplicate_submission;
pub(super) mod form;
pub(super) mod form_data;
pub(super) mod phone_input;
pub(super) mod step_up;
pub(super) mod upload;
