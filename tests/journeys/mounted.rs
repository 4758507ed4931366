//! The example in `examples/mounted.rs` does what it says.

#[path = "../../examples/mounted.rs"]
mod example;

#[actix_web::test]
async fn the_server_can_be_mounted_in_somebody_elses_application() {
    let folder = tempfile::tempdir().unwrap();
    let said = example::drive(folder.path()).await.unwrap();
    assert!(said.contains("/shop: 200 OK: Welcome to the shop"), "{said}");
    assert!(said.contains("/sign-in: 200 OK: <h1>"), "{said}");
    assert!(said.contains("/profile: 303 See Other: sends the visitor to sign in"), "{said}");
}
