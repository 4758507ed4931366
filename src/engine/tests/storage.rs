//! Buckets and files of applications: whose they are, what may be public, and what many do to them
//! at once.

use futures_util::future::join_all;

use super::{
    files::{asked, png, upload},
    fixture::{Fixture, refused, somebody, with},
};
use crate::{
    engine::store::values,
    port::{
        BucketChange, Caller, Code, Content, FileChange, FileName, FileQuery, FileStats, Grant,
        NewBucket, OperationError, Outcome, Sort, Storage, TagChange, Upload,
    },
};

#[tokio::test]
async fn a_bucket_has_one_name_and_root_is_there_already() {
    for fixture in Fixture::each().await {
        let (ann, ben) = (
            fixture.signed_in_user("ann@example.com").await,
            fixture.signed_in_user("ben@example.com").await,
        );
        let made = make(&fixture, &ann, "pets", false).await.unwrap();
        assert_eq!((made.user_id.as_ref(), made.is_public), (Some(&ann.user.id), false));
        refused(make(&fixture, &ben, " pets ", true).await, Code::BucketNotUnique);
        refused(make(&fixture, &ben, "root", true).await, Code::BucketNotUnique);
        for name in ["", "a/b", "0123456789abcdef01234567"] {
            refused(make(&fixture, &ben, name, true).await, Code::InvalidBucketName);
        }
        let shared = make(&fixture, &ben, "toys", true).await.unwrap();
        for (name, is_for_ben) in
            [("toys", true), (&shared.id, true), ("root", true), ("pets", false), (&made.id, false)]
        {
            let exists = |signed_in_user| {
                fixture.engine.bucket_exists(with(signed_in_user), name.to_owned())
            };
            let found = (exists(&ann).await.unwrap(), exists(&ben).await.unwrap());
            assert_eq!(found, (true, is_for_ben), "{name}");
        }
        for signed_in_user in [&ann, &ben] {
            assert!(
                !fixture
                    .engine
                    .bucket_exists(with(signed_in_user), "Pets".to_owned())
                    .await
                    .unwrap()
            );
        }
        let listed = fixture.engine.list_buckets(with(&ben), FileQuery::default()).await.unwrap();
        assert_eq!(
            listed.items.iter().map(|bucket| &*bucket.name).collect::<Vec<_>>(),
            ["root", "toys"]
        );
        let listed = fixture.engine.list_buckets(with(&ann), FileQuery::default()).await.unwrap();
        assert_eq!(
            listed.items.iter().map(|bucket| &*bucket.name).collect::<Vec<_>>(),
            ["root", "pets"]
        );
        refused(
            fixture.engine.list_buckets(somebody(), FileQuery::default()).await,
            Code::MissingSessionToken,
        );
    }
}

/// S71
#[tokio::test]
async fn nobody_makes_buckets_without_end() {
    for fixture in Fixture::each().await {
        let ann = fixture.signed_in_user("ann@example.com").await;
        for number in 0..50 {
            make(&fixture, &ann, &format!("bucket {number}"), true).await.unwrap();
        }
        refused(make(&fixture, &ann, "one more", true).await, Code::TooManyBuckets);
        refused(upload(&fixture, &ann, "one more", "a.png").await, Code::TooManyBuckets);
        assert_eq!(fixture.kept().await, (0, 0));
    }
}

/// S61
#[tokio::test]
async fn a_bucket_is_changed_by_who_made_it_while_nobody_else_has_a_file_in_it() {
    for fixture in Fixture::each().await {
        let (ann, ben) = (
            fixture.signed_in_user("ann@example.com").await,
            fixture.signed_in_user("ben@example.com").await,
        );
        make(&fixture, &ann, "pets", true).await.unwrap();
        refused(change(&fixture, &ben, "pets", renamed("mine")).await, Code::BucketNotYours);
        refused(
            fixture.engine.delete_bucket(with(&ben), "pets".to_owned()).await,
            Code::BucketNotYours,
        );
        let bens = upload(&fixture, &ben, "pets", "cat.png").await.unwrap();
        refused(change(&fixture, &ann, "pets", private(true)).await, Code::BucketNotYours);
        refused(
            fixture.engine.delete_bucket(with(&ann), "pets".to_owned()).await,
            Code::BucketNotYours,
        );
        fixture.engine.empty_bucket(with(&ann), "pets".to_owned()).await.unwrap();
        assert!(
            fixture.is_served(bens.public_path.as_ref().unwrap()).await,
            "emptying takes one's own files only"
        );
        fixture.engine.empty_bucket(with(&ben), "pets".to_owned()).await.unwrap();
        upload(&fixture, &ann, "pets", "dog.png").await.unwrap();
        assert_eq!(
            change(&fixture, &ann, "pets", renamed("animals")).await.unwrap().name,
            "animals"
        );
        refused(change(&fixture, &ann, "animals", renamed("root")).await, Code::BucketNotUnique);
        refused(change(&fixture, &ann, "pets", renamed("x")).await, Code::BucketNotFound);
        fixture.engine.delete_bucket(with(&ann), "animals".to_owned()).await.unwrap();
        assert_eq!(fixture.kept().await, (0, 0));
    }
}

#[tokio::test]
async fn root_stays_what_it_is() {
    for fixture in Fixture::each().await {
        let ann = fixture.signed_in_user("ann@example.com").await;
        for caller in [with(&ann), operator()] {
            let root = || "root".to_owned();
            refused(
                fixture.engine.delete_bucket(caller.clone(), root()).await,
                Code::BucketNotYours,
            );
            for change in [renamed("mine"), private(false)] {
                refused(
                    fixture.engine.change_bucket(caller.clone(), root(), change).await,
                    Code::BucketNotYours,
                );
            }
        }
    }
}

/// S69
#[tokio::test]
async fn only_pictures_are_public_and_the_rest_is_given_back_as_it_came() {
    for fixture in Fixture::each().await {
        let ann = fixture.signed_in_user("ann@example.com").await;
        refused(
            fixture.engine.upload(with(&ann), note("root", None)).await,
            Code::FileNotPublishable,
        );
        let stored = fixture.engine.upload(with(&ann), note("root", Some(false))).await.unwrap();
        assert_eq!(
            (stored.public_path, stored.mime_type.as_str(), stored.size),
            (None, "text/html", 8)
        );
        let named = || file("root", "note.html");
        let download = fixture.engine.download_file(with(&ann), named()).await.unwrap();
        assert_eq!((download.bytes.as_slice(), download.is_picture), (&b"<script>"[..], false));
        let served = fixture.engine.public_file(stored.bucket_id, stored.id).await.unwrap();
        assert!(served.is_none());
        let publish = FileChange { is_public: Some(true), ..FileChange::default() };
        refused(
            fixture.engine.change_file(with(&ann), named(), publish).await,
            Code::FileNotPublishable,
        );
        make(&fixture, &ann, "notes", false).await.unwrap();
        fixture.engine.upload(with(&ann), note("notes", None)).await.unwrap();
        let public =
            BucketChange { is_public: Some(true), include_files: true, ..BucketChange::default() };
        refused(change(&fixture, &ann, "notes", public).await, Code::FileNotPublishable);
    }
}

/// S69
#[tokio::test]
async fn a_private_picture_is_encoded_again_too_so_that_it_may_become_public() {
    for fixture in Fixture::each().await {
        let ann = fixture.signed_in_user("ann@example.com").await;
        make(&fixture, &ann, "pets", false).await.unwrap();
        let mut picture = asked("pets", "cat.png");
        picture.content.bytes.extend_from_slice(b"<script>alert(1)</script>");
        let stored = fixture.engine.upload(with(&ann), picture).await.unwrap();
        assert_eq!((stored.is_public, stored.public_path), (false, None));
        let bucket =
            change(&fixture, &ann, "pets", BucketChange { include_files: true, ..public() })
                .await
                .unwrap();
        let shown =
            fixture.engine.public_file(bucket.id, stored.id).await.unwrap().expect("a public file");
        assert!(!String::from_utf8_lossy(&shown.picture.bytes).contains("script"));
        change(&fixture, &ann, "pets", private(true)).await.unwrap();
        assert!(
            fixture
                .engine
                .file_info(with(&ann), file("pets", "cat.png"))
                .await
                .unwrap()
                .public_path
                .is_none()
        );
    }
}

#[tokio::test]
async fn a_private_bucket_takes_files_of_who_made_it_alone() {
    for fixture in Fixture::each().await {
        let (ann, ben) = (
            fixture.signed_in_user("ann@example.com").await,
            fixture.signed_in_user("ben@example.com").await,
        );
        make(&fixture, &ann, "diary", false).await.unwrap();
        upload(&fixture, &ann, "diary", "a.png").await.unwrap();
        let absent = Upload { create_bucket: false, ..asked("diary", "b.png") };
        refused(fixture.engine.upload(with(&ben), absent).await, Code::BucketNotFound);
        refused(upload(&fixture, &ben, "diary", "b.png").await, Code::BucketNotUnique);
        upload(&fixture, &ben, "root", "b.png").await.unwrap();
        let into = |bucket: &str| bucket.to_owned();
        refused(
            fixture.engine.copy_file(with(&ben), file("root", "b.png"), into("diary")).await,
            Code::BucketNotFound,
        );
        refused(
            fixture.engine.move_file(with(&ben), file("root", "b.png"), into("diary")).await,
            Code::BucketNotFound,
        );
    }
}

/// S61
#[tokio::test]
async fn somebody_elses_file_is_like_one_that_never_was() {
    for fixture in Fixture::each().await {
        let (ann, ben) = (
            fixture.signed_in_user("ann@example.com").await,
            fixture.signed_in_user("ben@example.com").await,
        );
        let anns = upload(&fixture, &ann, "root", "a.png").await.unwrap();
        for name in ["a.png", anns.id.as_str(), "a\0b"] {
            let (name, ben) = (|| file("root", name), || with(&ben));
            assert!(!fixture.engine.file_exists(ben(), name()).await.unwrap());
            refused(fixture.engine.file_info(ben(), name()).await, Code::FileNotFound);
            refused(fixture.engine.download_file(ben(), name()).await, Code::FileNotFound);
            refused(
                fixture.engine.change_file(ben(), name(), FileChange::default()).await,
                Code::FileNotFound,
            );
            refused(
                fixture.engine.replace_file(ben(), name(), content(b"x"), None).await,
                Code::FileNotFound,
            );
            refused(fixture.engine.duplicate_file(ben(), name(), None).await, Code::FileNotFound);
            refused(
                fixture.engine.copy_file(ben(), name(), "root".to_owned()).await,
                Code::FileNotFound,
            );
            refused(
                fixture.engine.move_file(ben(), name(), "root".to_owned()).await,
                Code::FileNotFound,
            );
            refused(fixture.engine.delete_named_file(ben(), name()).await, Code::FileNotFound);
            let names = vec![name().file, "unknown".to_owned()];
            fixture.engine.delete_files(ben(), "root".to_owned(), names).await.unwrap();
        }
        assert_eq!(
            fixture.engine.search_files(with(&ben), FileQuery::default()).await.unwrap().total,
            0
        );
        assert_eq!(
            fixture.engine.storage_stats(with(&ben)).await.unwrap().files,
            FileStats::default()
        );
        assert!(fixture.is_served(&anns.public_path.unwrap()).await);
    }
}

#[tokio::test]
async fn a_file_keeps_its_id_through_everything_and_its_name_stays_free_of_others() {
    for fixture in Fixture::each().await {
        let ann = fixture.signed_in_user("ann@example.com").await;
        make(&fixture, &ann, "pets", true).await.unwrap();
        let first = upload(&fixture, &ann, "root", "a.png").await.unwrap();
        upload(&fixture, &ann, "pets", "b.png").await.unwrap();
        let rename = FileChange {
            name: Some("b.png".to_owned()),
            tags: Some(TagChange::Add(vec!["cat".to_owned()])),
            ..FileChange::default()
        };
        let renamed =
            fixture.engine.change_file(with(&ann), file("root", "a.png"), rename).await.unwrap();
        assert_eq!((&renamed.id, &*renamed.file_name, renamed.tags.len()), (&first.id, "b.png", 1));
        let moved = fixture
            .engine
            .move_file(with(&ann), file("root", &first.id), "pets".to_owned())
            .await
            .unwrap();
        assert_eq!((&moved.id, &*moved.file_name), (&first.id, "b (1).png"));
        assert!(fixture.is_served(moved.public_path.as_ref().unwrap()).await);
        assert!(!fixture.is_served(first.public_path.as_ref().unwrap()).await);
        let copy =
            fixture.engine.duplicate_file(with(&ann), file("pets", &first.id), None).await.unwrap();
        assert_eq!((&*copy.file_name, copy.tags.len()), ("b (1) (1).png", 1));
        let named = Some("Ann's cat & dog.png".to_owned());
        let copy = fixture
            .engine
            .duplicate_file(with(&ann), file("pets", &first.id), named)
            .await
            .unwrap();
        assert_eq!(copy.file_name, "Ann's cat & dog.png");
        fixture.engine.delete_named_file(with(&ann), file("pets", &first.id)).await.unwrap();
        assert!(fixture.is_served(&copy.public_path.unwrap()).await, "a copy has bytes of its own");
        assert_eq!(fixture.kept().await, (3, 3));
    }
}

/// S71
#[tokio::test]
async fn replaced_bytes_are_gone_and_no_cache_is_asked_for_them() {
    for fixture in Fixture::each().await {
        let ann = fixture.signed_in_user("ann@example.com").await;
        let first = upload(&fixture, &ann, "root", "a.png").await.unwrap();
        let replace = |bytes: &[u8], is_public| {
            fixture.engine.replace_file(
                with(&ann),
                file("root", "a.png"),
                content(bytes),
                is_public,
            )
        };
        let second = replace(&png(), None).await.unwrap();
        assert_eq!((&second.id, &second.file_name), (&first.id, &first.file_name));
        let (before, after) = (first.public_path.unwrap(), second.public_path.unwrap());
        assert!(after.starts_with(&format!("{before}?v=")), "{after}");
        assert!(
            fixture.is_served(&before).await && fixture.is_served(&after).await,
            "the former address shows the new picture"
        );
        refused(replace(b"a text", None).await, Code::FileNotPublishable);
        assert_eq!(replace(b"a text", Some(false)).await.unwrap().mime_type, "text/html");
        assert_eq!(fixture.kept().await, (1, 1));
        assert!(!fixture.is_served(&before).await);
        let large = vec![0; 8 * 1024 * 1024 + 1];
        refused(replace(&large, Some(false)).await, Code::PictureTooLarge);
    }
}

/// S71
#[tokio::test]
async fn what_all_have_together_has_an_end_too() {
    for fixture in Fixture::each().await {
        let ann = fixture.signed_in_user("ann@example.com").await;
        fixture.fill("somebody else", 1, 20 * 1024 * 1024 * 1024).await;
        refused(upload(&fixture, &ann, "root", "a.png").await, Code::StorageFull);
        refused(fixture.engine.upload(operator(), asked("root", "a.png")).await, Code::StorageFull);
        assert_eq!(fixture.kept().await.1, 0);
    }
}

#[tokio::test]
async fn the_operators_program_does_everything_to_everybodys_things() {
    for fixture in Fixture::each().await {
        let ann = fixture.signed_in_user("ann@example.com").await;
        make(&fixture, &ann, "diary", false).await.unwrap();
        upload(&fixture, &ann, "diary", "a.png").await.unwrap();
        let stored = fixture.engine.upload(operator(), asked("diary", "a.png")).await.unwrap();
        assert_eq!((stored.user_id, stored.file_name.as_str()), (None, "a (1).png"));
        refused(change(&fixture, &ann, "diary", renamed("x")).await, Code::BucketNotYours);
        let query =
            || FileQuery { expression: Some("userId != null".to_owned()), ..FileQuery::default() };
        let found = fixture.engine.search_files(operator(), query()).await.unwrap();
        assert_eq!((found.total, found.items[0].user_id.as_ref()), (1, Some(&ann.user.id)));
        assert_eq!(
            fixture.engine.list_buckets(operator(), FileQuery::default()).await.unwrap().total,
            2
        );
        assert_eq!(fixture.engine.storage_stats(operator()).await.unwrap().files.files, 2);
        fixture
            .engine
            .change_bucket(operator(), "diary".to_owned(), renamed("archive"))
            .await
            .unwrap();
        fixture.engine.delete_bucket(operator(), "archive".to_owned()).await.unwrap();
        assert_eq!(fixture.kept().await, (0, 0));
    }
}

#[tokio::test]
async fn files_are_found_by_what_is_known_of_them() {
    for fixture in Fixture::each().await {
        let ann = fixture.signed_in_user("ann@example.com").await;
        make(&fixture, &ann, "pets", true).await.unwrap();
        for (name, tag) in [("c.png", "cat"), ("a.png", "cat"), ("b.png", "dog")] {
            let asked = Upload { tags: vec![tag.to_owned()], ..asked("pets", name) };
            fixture.engine.upload(with(&ann), asked).await.unwrap();
            fixture.pass(1);
        }
        let found = async |expression: &str, field: Option<&str>| {
            let sort = field.map(|field| Sort { field: field.to_owned(), is_descending: true });
            let query = FileQuery {
                expression: Some(expression.to_owned()),
                sort: Vec::from_iter(sort),
                ..FileQuery::default()
            };
            let page = fixture.engine.list_files(with(&ann), "pets".to_owned(), query).await?;
            Ok::<_, OperationError>(
                page.items.into_iter().map(|file| file.file_name).collect::<Vec<_>>(),
            )
        };
        assert_eq!(found("", None).await.unwrap(), ["c.png", "a.png", "b.png"], "oldest first");
        assert_eq!(found("IN(tags, 'cat')", Some("fileName")).await.unwrap(), ["c.png", "a.png"]);
        assert_eq!(found("size > 0 && fileName < 'b'", None).await.unwrap(), ["a.png"]);
        assert_eq!(found("uploadedAt > DATE('2200-01-01')", None).await.unwrap(), [""; 0]);
        refused(found("password == ''", None).await, Code::InvalidExpression);
        refused(found("", Some("password")).await, Code::InvalidFieldValue);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_uploads_of_one_name_at_once_each_gets_one_of_its_own() {
    for fixture in Fixture::each().await {
        let (ann, ben) = (
            fixture.signed_in_user("ann@example.com").await,
            fixture.signed_in_user("ben@example.com").await,
        );
        let uploads =
            [&ann, &ben, &ann, &ben].map(|grant| upload(&fixture, grant, "new bucket", "me.png"));
        let mut names: Vec<_> =
            join_all(uploads).await.into_iter().map(|file| file.unwrap().file_name).collect();
        names.sort();
        assert_eq!(names, ["me (1).png", "me (2).png", "me (3).png", "me.png"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_buckets_that_want_one_name_at_once_one_gets_it() {
    for fixture in Fixture::each().await {
        let ann = fixture.signed_in_user("ann@example.com").await;
        for name in ["a", "b", "c"] {
            make(&fixture, &ann, name, true).await.unwrap();
        }
        let changes =
            join_all(["a", "b", "c"].map(|name| change(&fixture, &ann, name, renamed("pets"))))
                .await;
        let made = make(&fixture, &ann, "pets", true).await;
        let (won, lost): (Vec<_>, Vec<_>) =
            changes.into_iter().chain([made]).partition(Result::is_ok);
        assert_eq!(won.len(), 1);
        lost.into_iter().for_each(|outcome| refused(outcome, Code::BucketNotUnique));
    }
}

/// S71
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn uploads_at_once_do_not_go_over_the_quota() {
    for fixture in Fixture::each().await {
        let ann = fixture.signed_in_user("ann@example.com").await;
        fixture.fill(&ann.user.id, 197, 1).await;
        let original = file("root", "many.png");
        std::fs::create_dir_all(&fixture.engine.settings().files_dir).unwrap();
        std::fs::write(fixture.engine.settings().files_dir.join(format!("{:024x}", 0)), "x")
            .unwrap();
        let copies =
            (0..4).map(|_| fixture.engine.duplicate_file(with(&ann), original.clone(), None));
        let uploads = (0..4).map(|_| upload(&fixture, &ann, "root", "new.png"));
        let (copies, uploads) = futures_util::join!(join_all(copies), join_all(uploads));
        let (kept, full): (Vec<_>, Vec<_>) =
            copies.into_iter().chain(uploads).partition(Result::is_ok);
        assert_eq!(kept.len(), 3);
        full.into_iter().for_each(|outcome| refused(outcome, Code::StorageFull));
        assert_eq!(fixture.kept().await, (200, 4), "no bytes of what was refused");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_file_changed_in_many_ways_at_once_is_one_file_with_its_bytes() {
    for fixture in Fixture::each().await {
        let ann = fixture.signed_in_user("ann@example.com").await;
        let id = upload(&fixture, &ann, "root", "a.png").await.unwrap().id;
        let name = || file("root", &id);
        let rename = |number: u32| FileChange {
            name: Some(format!("{number}.png")),
            ..FileChange::default()
        };
        let renames =
            (0..5).map(|number| fixture.engine.change_file(with(&ann), name(), rename(number)));
        let replaces =
            (0..5).map(|_| fixture.engine.replace_file(with(&ann), name(), content(&png()), None));
        let (renames, replaces) = futures_util::join!(join_all(renames), join_all(replaces));
        assert!(renames.iter().chain(&replaces).all(Result::is_ok));
        assert_eq!(fixture.kept().await, (1, 1));
        assert!(!fixture.engine.download_file(with(&ann), name()).await.unwrap().bytes.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_bucket_deleted_while_somebody_uploads_takes_no_file_of_theirs_with_it() {
    for fixture in Fixture::each().await {
        let (ann, ben) = (
            fixture.signed_in_user("ann@example.com").await,
            fixture.signed_in_user("ben@example.com").await,
        );
        for _ in 0..5 {
            make(&fixture, &ann, "pets", true).await.ok();
            let delete = fixture.engine.delete_bucket(with(&ann), "pets".to_owned());
            let mut asked = asked("pets", "b.png");
            asked.create_bucket = false;
            let (deleted, stored) =
                futures_util::join!(delete, fixture.engine.upload(with(&ben), asked));
            assert!(deleted.is_err() || stored.is_err(), "one of them came too late");
            fixture.engine.empty_bucket(with(&ben), "pets".to_owned()).await.ok();
        }
        let sql =
            "select f.id from files f left join buckets b on b.id = f.bucket_id where b.id is null";
        assert!(fixture.engine.store().fetch_optional(sql, values![]).await.unwrap().is_none());
        assert_eq!(fixture.kept().await, (0, 0));
    }
}

async fn make(
    fixture: &Fixture,
    grant: &Grant,
    name: &str,
    is_public: bool,
) -> Outcome<crate::port::Bucket> {
    let bucket = NewBucket { name: name.to_owned(), is_public, tags: Vec::new() };
    fixture.engine.create_bucket(with(grant), bucket).await
}

async fn change(
    fixture: &Fixture,
    grant: &Grant,
    bucket: &str,
    change: BucketChange,
) -> Outcome<crate::port::Bucket> {
    fixture.engine.change_bucket(with(grant), bucket.to_owned(), change).await
}

fn renamed(name: &str) -> BucketChange {
    BucketChange { name: Some(name.to_owned()), ..BucketChange::default() }
}

fn public() -> BucketChange {
    BucketChange { is_public: Some(true), ..BucketChange::default() }
}

fn private(include_files: bool) -> BucketChange {
    BucketChange { is_public: Some(false), include_files, ..BucketChange::default() }
}

fn file(bucket: &str, file: &str) -> FileName {
    FileName { bucket: bucket.to_owned(), file: file.to_owned() }
}

fn content(bytes: &[u8]) -> Content {
    Content { bytes: bytes.to_vec(), mime_type: "text/html; charset=utf-8".to_owned() }
}

pub(super) fn note(bucket: &str, is_public: Option<bool>) -> Upload {
    Upload { content: content(b"<script>"), is_public, ..asked(bucket, "note.html") }
}

fn operator() -> Caller {
    Caller { is_operator: true, ..somebody() }
}
