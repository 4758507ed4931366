//! Buckets and files over the wire: every call, its good answer and its bad ones
//! (altogic-protocol.md §7).

use std::io::Cursor;

use actix_web::{http::Method, test::TestRequest};
use image::{DynamicImage, ImageFormat};
use serde_json::{Value, json};

use super::{Answer, Wire, at, signed};

const PASSWORD: &str = "a lamp in the hall";

/// The calls that name a bucket and take JSON, after `/bucket/`.
const BUCKET_CALLS: &[&str] = &[
    "exists",
    "get",
    "empty",
    "delete",
    "rename",
    "make-public",
    "make-private",
    "add-tags",
    "remove-tags",
    "update",
    "list-files",
    "delete-files",
];

/// Two people and a wire.
struct Scene {
    wire: Wire,
    ann: String,
    ben: String,
}

impl Scene {
    async fn open() -> Self {
        let wire = Wire::open(false).await;
        let ann = session(&wire, "ann@example.com").await;
        let ben = session(&wire, "ben@example.com").await;
        Self { wire, ann, ben }
    }

    async fn ann(&self, path: &str, body: Value) -> Answer {
        self.wire.post(&format!("/storage{path}"), &self.ann, body).await
    }

    async fn ben(&self, path: &str, body: Value) -> Answer {
        self.wire.post(&format!("/storage{path}"), &self.ben, body).await
    }

    /// Ann stores a picture.
    async fn picture(&self, bucket: &str, name: &str) -> Value {
        let path =
            query("/bucket/upload-formdata", &[("bucket", bucket), ("fileName", name)], &json!({}));
        let answer = self.form(&path, "file", "image/png", &png()).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.bytes));
        answer.json()
    }

    /// Ann sends a form with one part.
    async fn form(&self, path: &str, part: &str, mime_type: &str, bytes: &[u8]) -> Answer {
        let head = format!(
            "--x\r\nContent-Disposition: form-data; name=\"{part}\"; \
                filename=\"blob\"\r\nContent-Type: {mime_type}\r\n\r\n"
        );
        let body = [head.as_bytes(), bytes, b"\r\n--x--\r\n"].concat();
        let request = TestRequest::post().uri(&at(&format!("/storage{path}"))).set_payload(body);
        let request = signed(request, &self.ann)
            .insert_header(("content-type", "multipart/form-data; boundary=x"));
        self.wire.send(request).await
    }

    async fn shown(&self, public_path: &Value) -> Answer {
        let path = public_path
            .as_str()
            .expect("a public path")
            .strip_prefix("http://hall.example")
            .expect("ours");
        self.wire.send(TestRequest::get().uri(path)).await
    }
}

#[actix_web::test]
async fn a_bucket_is_made_shown_changed_and_deleted() {
    let scene = Scene::open().await;
    let made =
        scene.ann("/create-bucket", json!({"name": "pets", "isPublic": true, "tags": ["a"]})).await;
    insta::assert_json_snapshot!(made.json(), {
        "._id" => "[id]", ".userId" => "[id]", ".createdAt" => "[date]", ".updatedAt" => "[date]",
    }, @r#"
    {
      "_id": "[id]",
      "createdAt": "[date]",
      "isPublic": true,
      "name": "pets",
      "tags": [
        "a"
      ],
      "updatedAt": "[date]",
      "userId": "[id]"
    }
    "#);
    is(&scene.ben("/create-bucket", json!({"name": "pets"})).await, 400, "bucket_not_unique");
    is(&scene.ben("/create-bucket", json!({"name": "a/b"})).await, 400, "validation_error");
    is(
        &scene.ben("/create-bucket", json!({"name": "x", "tags": [""]})).await,
        400,
        "validation_error",
    );
    for (bucket, there) in [("pets", true), ("pet", false)] {
        let answer = scene.ben("/bucket/exists", json!({"bucket": bucket})).await;
        assert_eq!((answer.status, answer.json()), (200, json!(there)));
    }
    for (path, body, field, value) in [
        ("rename", json!({"newName": "animals"}), "name", json!("animals")),
        ("rename", json!({"newName": "pets"}), "name", json!("pets")),
        ("make-private", json!({"includeFiles": false}), "isPublic", json!(false)),
        ("make-public", json!({"includeFiles": true}), "isPublic", json!(true)),
        ("make-public", json!({}), "isPublic", json!(true)),
        ("add-tags", json!({"tags": "b"}), "tags", json!(["a", "b"])),
        ("remove-tags", json!({"tags": ["a"]}), "tags", json!(["b"])),
        (
            "update",
            json!({"newName": "pets", "isPublic": false, "tags": ["c"], "includeFiles": false}),
            "tags",
            json!(["c"]),
        ),
    ] {
        let name = if field == "name" && value == "pets" { "animals" } else { "pets" };
        let mut body = body;
        body["bucket"] = json!(name);
        let refused = scene.ben(&format!("/bucket/{path}"), body.clone()).await;
        let is_private =
            value == json!(true) && path == "make-public" && body.get("includeFiles").is_some();
        let (status, code) =
            if is_private { (404, "bucket_not_found") } else { (403, "permission_denied") };
        is(&refused, status, code);
        let answer = scene.ann(&format!("/bucket/{path}"), body).await;
        assert_eq!((answer.status, &answer.json()[field]), (200, &value), "{path}");
    }
    is(&scene.ben("/bucket/delete", json!({"bucket": "pets"})).await, 404, "bucket_not_found");
    let answer = scene.ann("/bucket/delete", json!({"bucket": "pets"})).await;
    assert_eq!((answer.status, answer.bytes.len()), (200, 0));
    assert_eq!(scene.ann("/bucket/exists", json!({"bucket": "pets"})).await.json(), json!(false));
}

#[actix_web::test]
async fn a_missing_bucket_is_an_error_of_every_call_that_needs_one() {
    let scene = Scene::open().await;
    for path in [
        "get",
        "empty",
        "delete",
        "rename",
        "make-public",
        "make-private",
        "add-tags",
        "remove-tags",
        "update",
        "list-files",
        "delete-files",
    ] {
        let body = json!({"bucket": "nowhere", "newName": "x", "tags": []});
        is(&scene.ann(&format!("/bucket/{path}"), body).await, 404, "bucket_not_found");
    }
    for path in FILE_CALLS {
        let body = json!({"bucket": "nowhere", "file": "a.png", "newName": "x", "tags": []});
        is(&scene.ann(&format!("/bucket/file/{path}"), body).await, 404, "bucket_not_found");
    }
    let upload =
        query("/bucket/upload-object", &[("bucket", "nowhere"), ("fileName", "a")], &json!({}));
    is(&scene.ann(&upload, json!("a")).await, 404, "bucket_not_found");
}

#[actix_web::test]
async fn root_is_never_deleted_renamed_or_private() {
    let scene = Scene::open().await;
    for (path, body) in [
        ("delete", json!({"bucket": "root"})),
        ("rename", json!({"bucket": "root", "newName": "mine"})),
        ("make-private", json!({"bucket": "root"})),
        ("delete", json!({"bucket": "000000000000000000000001"})),
    ] {
        is(&scene.ann(&format!("/bucket/{path}"), body).await, 403, "permission_denied");
    }
    assert_eq!(scene.ann("/bucket/empty", json!({"bucket": "root"})).await.status, 200);
}

#[actix_web::test]
async fn a_file_is_stored_shown_and_described() {
    let scene = Scene::open().await;
    let stored = scene.picture("root", "me.png").await;
    insta::assert_json_snapshot!(stored, {
        "._id" => "[id]", ".userId" => "[id]", ".uploadedAt" => "[date]", ".updatedAt" => "[date]",
        ".size" => "[size]",
        ".publicPath" => "[url]",
    }, @r#"
    {
      "_id": "[id]",
      "bucketId": "000000000000000000000001",
      "encoding": "7bit",
      "fileName": "me.png",
      "isPublic": true,
      "mimeType": "image/jpeg",
      "publicPath": "[url]",
      "size": "[size]",
      "tags": [],
      "updatedAt": "[date]",
      "uploadedAt": "[date]",
      "userId": "[id]"
    }
    "#);
    let shown = scene.shown(&stored["publicPath"]).await;
    assert_eq!(
        (shown.status, shown.header("content-type"), shown.header("etag").len()),
        (200, "image/jpeg", 26)
    );
    let path = stored["publicPath"].as_str().unwrap().strip_prefix("http://hall.example").unwrap();
    let again = TestRequest::get().uri(path).insert_header(("if-none-match", shown.header("etag")));
    let again = scene.wire.send(again).await;
    assert_eq!(
        (again.status, again.bytes.len(), again.header("etag")),
        (304, 0, shown.header("etag"))
    );
    assert_eq!(again.header("content-security-policy"), "default-src 'none'; sandbox");
    let by_id = json!({"bucket": "root", "file": stored["_id"]});
    for (path, body) in [("get", by_id), ("get", named())] {
        assert_eq!(scene.ann(&format!("/bucket/file/{path}"), body).await.json(), stored);
    }
    let unknown = json!({"bucket": "root", "file": "you.png"});
    assert_eq!(scene.ann("/bucket/file/exists", named()).await.json(), json!(true));
    assert_eq!(scene.ann("/bucket/file/exists", unknown).await.json(), json!(false));
    assert_eq!(scene.ben("/bucket/file/exists", named()).await.json(), json!(false));
}

/// S61
#[actix_web::test]
async fn every_call_to_somebody_elses_file_is_a_404() {
    let scene = Scene::open().await;
    let stored = scene.picture("root", "me.png").await;
    for path in FILE_CALLS {
        let mut body = named();
        body["newName"] = json!("mine.png");
        body["bucketNameOrId"] = json!("root");
        is(&scene.ben(&format!("/bucket/file/{path}"), body).await, 404, "file_not_found");
    }
    let replace =
        query("/bucket/file/replace-object", &[("bucket", "root"), ("file", "me.png")], &json!({}));
    is(&scene.ben(&replace, json!("x")).await, 404, "file_not_found");
    let answer = scene
        .ben("/bucket/delete-files", json!({"bucket": "root", "fileNamesOrIds": ["me.png"]}))
        .await;
    assert_eq!((answer.status, answer.bytes.len()), (200, 0));
    assert_eq!(
        scene.ben("/delete-file", json!({"fileUrl": stored["publicPath"]})).await.status,
        200
    );
    assert_eq!(scene.shown(&stored["publicPath"]).await.status, 200);
}

/// S61: by its name and by its id.
#[actix_web::test]
async fn somebody_elses_private_bucket_is_like_one_that_never_was() {
    let scene = Scene::open().await;
    let made =
        scene.ann("/create-bucket", json!({"name": "diary", "isPublic": false})).await.json();
    scene.picture("diary", "me.png").await;
    let own = query(
        "/bucket/upload-object",
        &[("bucket", "root"), ("fileName", "b.txt")],
        &json!({"isPublic": false}),
    );
    assert_eq!(scene.ben(&own, json!("x")).await.status, 200);
    let calls = BUCKET_CALLS.iter().map(|path| format!("/bucket/{path}"));
    let calls = calls
        .chain(FILE_CALLS.iter().chain(&["exists"]).map(|path| format!("/bucket/file/{path}")));
    for path in calls {
        let body = |bucket: &Value| {
            json!({
                "bucket": bucket, "file": "me.png", "newName": "mine", "tags": ["a"],
                "fileNamesOrIds": ["me.png"],
                "bucketNameOrId": "root", "detailed": true,
            })
        };
        let absent = scene.ben(&path, body(&json!("nowhere"))).await;
        for bucket in [&json!("diary"), &made["_id"]] {
            let hidden = scene.ben(&path, body(bucket)).await;
            assert_eq!((hidden.status, &hidden.bytes), (absent.status, &absent.bytes), "{path}");
        }
    }
    for (path, file) in [("upload-object", "fileName"), ("file/replace-object", "file")] {
        let call =
            query(&format!("/bucket/{path}"), &[("bucket", "diary"), (file, "me.png")], &json!({}));
        is(&scene.ben(&call, json!("x")).await, 404, "bucket_not_found");
    }
    for path in ["copy", "move"] {
        let body = json!({"bucket": "root", "file": "b.txt", "bucketNameOrId": "diary"});
        is(&scene.ben(&format!("/bucket/file/{path}"), body).await, 404, "bucket_not_found");
    }
    let make = query(
        "/bucket/upload-object",
        &[("bucket", "diary"), ("fileName", "b.txt")],
        &json!({"createBucket": true, "isPublic": false}),
    );
    is(&scene.ben(&make, json!("x")).await, 400, "bucket_not_unique");
    let buckets = scene.ben("/list-buckets", json!({})).await.json();
    assert_eq!(buckets.as_array().map(Vec::len), Some(1), "{buckets}");
    assert_eq!(
        scene
            .ann("/bucket/list-files", json!({"bucket": "diary"}))
            .await
            .json()
            .as_array()
            .map(Vec::len),
        Some(1)
    );
}

#[actix_web::test]
async fn a_file_is_renamed_tagged_copied_moved_and_deleted() {
    let scene = Scene::open().await;
    let id = scene.picture("root", "me.png").await["_id"].clone();
    scene.ann("/create-bucket", json!({"name": "pets"})).await;
    let call = async |path: &str, more: Value| {
        let mut body = json!({"bucket": "root", "file": id});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = scene.ann(&format!("/bucket/file/{path}"), body).await;
        assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.bytes));
        answer.json()
    };
    assert_eq!(call("rename", json!({"newName": "you.png"})).await["fileName"], "you.png");
    assert_eq!(call("add-tags", json!({"tags": ["a", "b"]})).await["tags"], json!(["a", "b"]));
    assert_eq!(call("remove-tags", json!({"tags": "a"})).await["tags"], json!(["b"]));
    assert_eq!(call("make-private", json!({})).await.get("publicPath"), None);
    assert!(call("make-public", json!({})).await["publicPath"].is_string());
    let updated =
        call("update", json!({"newName": "us.png", "isPublic": true, "tags": ["c"]})).await;
    assert_eq!((&updated["fileName"], &updated["tags"]), (&json!("us.png"), &json!(["c"])));
    assert_eq!(call("duplicate", json!({})).await["fileName"], "us (1).png");
    assert_eq!(call("duplicate", json!({"duplicateName": "two.png"})).await["fileName"], "two.png");
    assert_eq!(call("copy", json!({"bucketNameOrId": "pets"})).await["fileName"], "us.png");
    let moved = call("move", json!({"bucketNameOrId": "pets"})).await;
    assert_eq!((&moved["fileName"], &moved["_id"]), (&json!("us (1).png"), &id));
    let missing = json!({"bucket": "pets", "file": id, "bucketNameOrId": "nowhere"});
    is(&scene.ann("/bucket/file/move", missing).await, 404, "bucket_not_found");
    let nameless = json!({"bucket": "pets", "file": id, "newName": ""});
    is(&scene.ann("/bucket/file/rename", nameless).await, 400, "validation_error");
    let answer = scene.ann("/bucket/file/delete", json!({"bucket": "pets", "file": id})).await;
    assert_eq!((answer.status, answer.bytes.len()), (200, 0));
    is(
        &scene.ann("/bucket/file/delete", json!({"bucket": "pets", "file": id})).await,
        404,
        "file_not_found",
    );
    let names = json!({"bucket": "root", "fileNamesOrIds": ["two.png", "never was"]});
    assert_eq!(scene.ann("/bucket/delete-files", names).await.status, 200);
    let left = scene.ann("/bucket/list-files", json!({"bucket": "root"})).await.json();
    assert_eq!((left.as_array().unwrap().len(), &left[0]["fileName"]), (1, &json!("us (1).png")));
}

/// S69
#[actix_web::test]
async fn whatever_is_private_is_downloaded_and_never_shown() {
    let scene = Scene::open().await;
    let options = json!({"isPublic": false, "contentType": "text/html", "tags": ["draft"]});
    let upload = |name: &str| {
        query("/bucket/upload-object", &[("bucket", "root"), ("fileName", name)], &options)
    };
    let stored =
        scene.ann(&upload("Ann's page.html"), json!("<script>alert(1)</script>")).await.json();
    assert_eq!((&stored["mimeType"], &stored["tags"]), (&json!("text/html"), &json!(["draft"])));
    let path = format!(
        "/entrance/_storage/local/{}/{}",
        stored["bucketId"].as_str().unwrap(),
        stored["_id"].as_str().unwrap()
    );
    assert_eq!(scene.wire.send(TestRequest::get().uri(&path)).await.status, 404);
    let body = json!({"bucket": "root", "file": "Ann's page.html"});
    let answer = scene.ann("/bucket/file/download", body.clone()).await;
    assert_eq!((answer.status, answer.bytes.as_slice()), (200, &b"<script>alert(1)</script>"[..]));
    for (header, value) in [
        ("content-type", "application/octet-stream"),
        ("content-disposition", "attachment; filename*=UTF-8''Ann%27s%20page%2Ehtml"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; sandbox"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(answer.header(header), value);
    }
    is(&scene.ann("/bucket/file/make-public", body).await, 400, "file_upload_error");
    let json_text = scene.ann(&upload("a.json"), json!({"a": [1]})).await.json();
    assert_eq!(json_text["size"], 9);
    let buffer = json!({"type": "Buffer", "data": png()});
    assert_eq!(scene.ann(&upload("a.png"), buffer).await.json()["mimeType"], "image/jpeg");
    let nothing = TestRequest::post().uri(&at(&format!("/storage{}", upload("empty.txt"))));
    assert_eq!(scene.wire.send(signed(nothing, &scene.ann)).await.json()["size"], 0);
    let form = query(
        "/bucket/upload-formdata",
        &[("bucket", "root"), ("fileName", "b.txt")],
        &json!({"isPublic": false}),
    );
    assert_eq!(
        scene.form(&form, "file", "text/css; charset=utf-8", b"x").await.json()["mimeType"],
        "text/css"
    );
}

#[actix_web::test]
async fn replaced_bytes_have_a_path_of_their_own() {
    let scene = Scene::open().await;
    let stored = scene.picture("root", "me.png").await;
    let path = |kind: &str, options: Value| {
        query(
            &format!("/bucket/file/replace-{kind}"),
            &[("bucket", "root"), ("file", "me.png")],
            &options,
        )
    };
    let replaced =
        scene.form(&path("formdata", json!({})), "file", "image/png", &png()).await.json();
    assert_eq!((&replaced["_id"], &replaced["fileName"]), (&stored["_id"], &stored["fileName"]));
    assert_ne!(replaced["publicPath"], stored["publicPath"]);
    for path in [&stored["publicPath"], &replaced["publicPath"]] {
        assert_eq!(scene.shown(path).await.status, 200);
    }
    is(&scene.ann(&path("object", json!({})), json!("text")).await, 400, "file_upload_error");
    let text = scene.ann(&path("object", json!({"isPublic": false})), json!("text")).await.json();
    assert_eq!((&text["size"], text.get("publicPath")), (&json!(4), None));
    assert_eq!(scene.shown(&stored["publicPath"]).await.status, 404);
}

#[actix_web::test]
async fn what_is_no_upload_is_refused() {
    let scene = Scene::open().await;
    let form =
        query("/bucket/upload-formdata", &[("bucket", "root"), ("fileName", "a.png")], &json!({}));
    is(&scene.form(&form, "other", "image/png", &png()).await, 400, "file_upload_error");
    is(&scene.form(&form, "file", "image/png", b"no picture").await, 400, "file_upload_error");
    is(&scene.form(&form, "file", "image/png", &png()[..60]).await, 400, "file_upload_error");
    is(
        &scene.form(&form, "file", "image/png", &vec![0; 8 * 1024 * 1024 + 1]).await,
        413,
        "file_upload_error",
    );
    let node =
        TestRequest::post().uri(&at(&format!("/storage{form}"))).set_payload("[object FormData]");
    let node = signed(node, &scene.ann).insert_header(("content-type", "text/plain;charset=UTF-8"));
    is(&scene.wire.send(node).await, 400, "file_upload_error");
    let bad_options = form.replace("%7B%7D", "%7B");
    is(&scene.form(&bad_options, "file", "image/png", &png()).await, 400, "validation_error");
    let nameless =
        query("/bucket/upload-formdata", &[("bucket", "root"), ("fileName", "")], &json!({}));
    is(&scene.form(&nameless, "file", "image/png", &png()).await, 400, "validation_error");
    let object =
        query("/bucket/upload-object", &[("bucket", "root"), ("fileName", "a")], &json!({}));
    for (body, kind, status, code) in [
        ("{", "application/json", 400, "invalid_request_body_syntax"),
        ("text", "text/plain", 415, "unsupported_media_type"),
        ("", "application/json", 400, "file_upload_error"),
    ] {
        let request = TestRequest::post().uri(&at(&format!("/storage{object}"))).set_payload(body);
        is(
            &scene
                .wire
                .send(signed(request, &scene.ann).insert_header(("content-type", kind)))
                .await,
            status,
            code,
        );
    }
}

#[actix_web::test]
async fn lists_are_bare_or_counted_and_hold_ones_own_things() {
    let scene = Scene::open().await;
    for name in ["b.png", "a.png", "c.png"] {
        scene.picture("root", name).await;
    }
    let body = json!({"bucket": "root", "expression": null, "options": null});
    assert_eq!(scene.ben("/bucket/list-files", body.clone()).await.json(), json!([]));
    assert_eq!(
        scene.ann("/bucket/list-files", body).await.json().as_array().map(Vec::len),
        Some(3)
    );
    let options = json!({
        "limit": 2,
        "page": 2,
        "sort": {"field": "fileName", "direction": "asc"},
        "returnCountInfo": true,
    });
    let found = scene
        .ann("/search-files", json!({"expression": "this.size > 0", "options": options}))
        .await
        .json();
    let count = json!({"count": 3, "totalPages": 2, "currentPage": 2, "pageSize": 2});
    assert_eq!((&found["countInfo"], &found["result"][0]["fileName"]), (&count, &json!("c.png")));
    is(&scene.ann("/search-files", json!({"expression": "size >"})).await, 400, "validation_error");
    is(&scene.ann("/search-files", json!({"expression": 1})).await, 400, "validation_error");
    let by_nothing = json!({"options": {"sort": {"field": "password", "direction": "asc"}}});
    is(&scene.ann("/search-files", by_nothing).await, 400, "validation_error");
    let buckets = scene.ann("/list-buckets", json!({"expression": "name == 'root'"})).await.json();
    assert_eq!((buckets.as_array().map(Vec::len), buckets[0].get("userId")), (Some(1), None));
}

#[actix_web::test]
async fn the_stats_are_ones_own_by_either_method() {
    let scene = Scene::open().await;
    let size = scene.picture("root", "a.png").await["size"].clone();
    let stats = json!({
        "objectsCount": 1,
        "totalStorageSize": size,
        "averageObjectSize": size,
        "minObjectSize": size,
        "maxObjectSize": size,
    });
    let mut overall = stats.clone();
    overall["bucketsCount"] = json!(1);
    assert_eq!(scene.wire.get("/storage/stats", &scene.ann).await.json(), overall);
    assert_eq!(scene.ann("/stats", json!({})).await.json(), overall);
    let bucket =
        |detailed: bool| scene.ann("/bucket/get", json!({"bucket": "root", "detailed": detailed}));
    assert_eq!(bucket(true).await.json()["stats"], stats);
    assert_eq!(bucket(false).await.json().get("stats"), None);
    assert_eq!(scene.ben("/stats", json!({})).await.json()["averageObjectSize"], 0);
    let put = TestRequest::default().method(Method::PUT).uri(&at("/storage/stats"));
    assert_eq!(scene.wire.send(put).await.header("allow"), "GET, HEAD, POST, OPTIONS");
}

#[actix_web::test]
async fn a_visitor_gets_nothing_of_the_storage() {
    let scene = Scene::open().await;
    let buckets = [
        "exists",
        "get",
        "empty",
        "delete",
        "rename",
        "make-public",
        "make-private",
        "add-tags",
        "remove-tags",
        "update",
        "list-files",
        "delete-files",
        "upload-object",
        "upload-formdata",
    ];
    let files = FILE_CALLS.iter().chain(&["exists", "replace-object", "replace-formdata"]);
    let paths = ["/create-bucket", "/list-buckets", "/stats", "/search-files", "/delete-file"]
        .map(str::to_owned);
    let paths = paths.into_iter().chain(buckets.map(|path| format!("/bucket/{path}")));
    for path in paths.chain(files.map(|path| format!("/bucket/file/{path}"))) {
        let path = format!("/storage{path}");
        is(&scene.wire.post(&path, "", json!({})).await, 401, "missing_session_token");
        is(
            &scene.wire.post(&path, "A".repeat(43).as_str(), json!({})).await,
            401,
            "invalid_session_token",
        );
        let put = scene
            .wire
            .send(signed(TestRequest::default().method(Method::PUT).uri(&at(&path)), ""))
            .await;
        is(&put, 405, "method_not_allowed");
    }
}

const FILE_CALLS: &[&str] = &[
    "get",
    "download",
    "rename",
    "make-public",
    "make-private",
    "add-tags",
    "remove-tags",
    "update",
    "duplicate",
    "copy",
    "move",
    "delete",
];

#[track_caller]
fn is(answer: &Answer, status: u16, code: &str) {
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (status, code),
        "{}",
        String::from_utf8_lossy(&answer.bytes)
    );
}

fn named() -> Value {
    json!({"bucket": "root", "file": "me.png"})
}

/// As the client library writes a query.
fn query(path: &str, parameters: &[(&str, &str)], options: &Value) -> String {
    let encoded = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let parameters = parameters.iter().map(|(name, value)| format!("{name}={}&", encoded(value)));
    format!("{path}?{}options={}", parameters.collect::<String>(), encoded(&options.to_string()))
}

fn png() -> Vec<u8> {
    let mut bytes = Vec::new();
    DynamicImage::new_rgb8(60, 40)
        .write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)
        .expect("a picture");
    bytes
}

async fn session(wire: &Wire, email: &str) -> String {
    let answer =
        wire.post("/auth/signup-email", "", json!({"email": email, "password": PASSWORD})).await;
    answer.json()["session"]["token"].as_str().expect("a session").to_owned()
}

/// S109
#[actix_web::test]
async fn every_call_of_the_storage_and_of_objects_says_when_to_come_back() {
    let (root, file) = (json!({"bucket": "root"}), json!({"bucket": "root", "file": "a.txt"}));
    let calls = [
        ("/storage/create-bucket", json!({"name": "pets", "isPublic": true})),
        ("/storage/bucket/rename", json!({"bucket": "root", "newName": "mine"})),
        ("/storage/bucket/make-public", json!({"bucket": "root", "includeFiles": true})),
        ("/storage/bucket/empty", root.clone()),
        ("/storage/bucket/delete", root.clone()),
        ("/storage/bucket/exists", root.clone()),
        ("/storage/bucket/get", root),
        ("/storage/bucket/file/exists", file.clone()),
        ("/storage/bucket/file/delete", file),
        ("/storage/stats", json!({})),
    ];
    for (path, body) in calls {
        let wire = Wire::open_with(|settings| {
            (settings.limits_factor, settings.confirm_email) = (0.01, false)
        })
        .await;
        let session = session(&wire, "ann@example.com").await;
        let mut limited = None;
        for _ in 0..40 {
            let request =
                signed(TestRequest::post().uri(&at(path)), &session).set_json(body.clone());
            let request = request.peer_addr("198.51.100.7:40000".parse().expect("an address"));
            let answer = wire.send(request).await;
            if answer.status == 429 {
                limited = Some(answer);
                break;
            }
        }
        let limited = limited.expect("nothing limits it");
        assert_eq!(limited.code(), "rate_limit_exceeded", "{path}");
        assert!(
            limited.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds > 0),
            "{path}"
        );
    }
}
