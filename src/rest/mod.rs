//! rest
#[derive(Debug, Clone)]
pub struct ClientKey {
    pub key: String,
    pub allowed_origins: Vec<String>,
}
