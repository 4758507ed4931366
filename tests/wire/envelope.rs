//! For every request, at every path, the answer is one that the client library can read
//! (altogic-protocol.md §2).

use actix_web::{http::Method, test::TestRequest};

use super::{KEY, Wire};

#[actix_web::test]
async fn an_endpoint_of_an_application_that_is_not_there_has_an_envelope() {
    let wire = Wire::open(true).await;
    for path in ["/entrance/orders", "/entrance/e:abc/orders/1", "/entrance/rest/v1/auth/user"] {
        for header in [("x-client-key", KEY), ("x-client", "altogic-js")] {
            let request = TestRequest::get().uri(path).insert_header(header);
            let answer = wire.send(request.insert_header(("origin", "https://app.example"))).await;
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (404, "resource_not_found"),
                "{path}"
            );
            assert_eq!(answer.header("access-control-allow-origin"), "https://app.example");
        }
    }
}

#[actix_web::test]
async fn a_browser_may_ask_about_any_path_first() {
    let wire = Wire::open(true).await;
    let asked = TestRequest::default().method(Method::OPTIONS).uri("/entrance/orders");
    let asked = asked.insert_header(("origin", "https://app.example"));
    let answer = wire.send(asked.insert_header(("access-control-request-method", "GET"))).await;
    assert_eq!(
        (answer.status, answer.header("access-control-allow-origin")),
        (204, "https://app.example")
    );
}

#[actix_web::test]
async fn a_person_who_got_lost_is_left_to_the_pages() {
    let wire = Wire::open(true).await;
    let answer = wire.send(TestRequest::get().uri("/entrance/orders")).await;
    assert_eq!((answer.status, answer.header("content-type")), (404, ""));
}
