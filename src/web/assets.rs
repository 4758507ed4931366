//! The stylesheet's address. (Placeholder until the look is merged.)

/// The path of the stylesheet.
pub(crate) fn stylesheet() -> &'static str {
    "/static/vestibule.css"
}
