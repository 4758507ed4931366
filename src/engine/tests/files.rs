//! Pictures and files: kept, replaced, fetched and deleted.

use std::{io::Cursor, time::SystemTime};

use futures_util::future::join_all;
use image::{DynamicImage, ImageFormat};

use super::fixture::{Fixture, refused, with};
use crate::{
    engine::store::values,
    port::{
        AuthManager, Code, Content, FieldUpdate, Grant, OperationError, Outcome, Storage,
        StoredFile, Update, Upload,
    },
};

const ROOT: &str = "000000000000000000000001";

/// S71
#[tokio::test]
async fn a_new_picture_replaces_the_former_one_whose_bytes_are_gone() {
    for fixture in Fixture::each().await {
        let ann = fixture.signed_in_user("ann@example.com").await;
        let first = change(&fixture, &ann).await;
        assert!(
            first.starts_with("https://hall.example/_storage/local/000000000000000000000001/"),
            "{first}"
        );
        assert!(fixture.is_served(&first).await);
        let second = change(&fixture, &ann).await;
        assert_eq!(
            (fixture.is_served(&first).await, fixture.is_served(&second).await),
            (false, true)
        );
        assert_eq!(fixture.kept().await, (1, 1));
        assert_eq!(
            fixture.engine.signed_in_user(with(&ann)).await.unwrap().user.profile_picture,
            Some(second)
        );
    }
}

#[tokio::test]
async fn a_removed_picture_leaves_nothing_behind() {
    for fixture in Fixture::each().await {
        let ann = fixture.signed_in_user("ann@example.com").await;
        change(&fixture, &ann).await;
        for _ in 0..2 {
            assert_eq!(
                fixture.engine.remove_picture(with(&ann)).await.unwrap().profile_picture,
                None
            );
        }
        assert_eq!(fixture.kept().await, (0, 0));
    }
}

/// R03
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_pictures_at_once_the_last_one_is_kept_and_no_other() {
    for fixture in Fixture::each().await {
        let ann = fixture.signed_in_user("ann@example.com").await;
        join_all((0..6).map(|_| change(&fixture, &ann))).await;
        assert_eq!(fixture.kept().await, (1, 1));
        let picture =
            fixture.engine.signed_in_user(with(&ann)).await.unwrap().user.profile_picture.unwrap();
        assert!(fixture.is_served(&picture).await);
    }
}

/// S61
#[tokio::test]
async fn naming_somebody_elses_picture_as_ones_own_deletes_it_never() {
    for fixture in Fixture::each().await {
        let (ann, ben) = (
            fixture.signed_in_user("ann@example.com").await,
            fixture.signed_in_user("ben@example.com").await,
        );
        let anns = change(&fixture, &ann).await;
        let value = serde_json::Value::String(anns.clone());
        let update = FieldUpdate { field: "profilePicture".to_owned(), update: Update::Set(value) };
        fixture.engine.update_user(with(&ben), vec![update]).await.unwrap();
        fixture.engine.remove_picture(with(&ben)).await.unwrap();
        fixture.engine.delete_file(with(&ben), anns.clone()).await.unwrap();
        assert!(fixture.is_served(&anns).await);
    }
}

#[tokio::test]
async fn an_upload_gets_a_name_that_is_free_however_many_took_it_before() {
    for fixture in Fixture::each().await {
        let ann = fixture.signed_in_user("ann@example.com").await;
        let mut names = Vec::new();
        for _ in 0..3 {
            names
                .push(upload(&fixture, &ann, "profilePictures", "me.png").await.unwrap().file_name);
        }
        assert_eq!(names, ["me.png", "me (1).png", "me (2).png"]);
        fixture.fill("somebody else", 300, 1).await;
        let stored = upload(&fixture, &ann, "root", "many.png").await.unwrap();
        assert_eq!(stored.file_name, format!("many ({}).png", stored.id));
        assert!(fixture.is_served(&stored.public_path.unwrap()).await);
    }
}

/// S71
#[tokio::test]
async fn a_full_account_is_told_so_but_may_change_its_picture() {
    for fixture in Fixture::each().await {
        let ann = fixture.signed_in_user("ann@example.com").await;
        change(&fixture, &ann).await;
        fixture.fill(&ann.user.id, 199, 1).await;
        refused(upload(&fixture, &ann, "root", "one-more.png").await, Code::StorageFull);
        change(&fixture, &ann).await;
        assert_eq!(fixture.kept().await, (200, 1), "no bytes of what was refused");
    }
}

/// S71
#[tokio::test]
async fn a_few_large_files_fill_an_account_as_well() {
    for fixture in Fixture::each().await {
        let ann = fixture.signed_in_user("ann@example.com").await;
        fixture.fill(&ann.user.id, 2, 25 * 1024 * 1024).await;
        refused(upload(&fixture, &ann, "root", "one-more.png").await, Code::StorageFull);
    }
}

#[tokio::test]
async fn a_bucket_is_made_only_when_that_is_asked_for() {
    for fixture in Fixture::each().await {
        let ann = fixture.signed_in_user("ann@example.com").await;
        let mut asked = asked("pets", "cat.png");
        asked.create_bucket = false;
        refused(fixture.engine.upload(with(&ann), asked).await, Code::BucketNotFound);
        assert_eq!(fixture.kept().await, (0, 0));
        let first = upload(&fixture, &ann, "pets", "cat.png").await.unwrap();
        let second = upload(&fixture, &ann, "pets", "dog.png").await.unwrap();
        assert_eq!(first.bucket_id, second.bucket_id);
        assert_ne!(first.bucket_id, ROOT);
        for name in ["", " ", "../up", "a/b", "a\0b", "a\u{202e}b", &*"x".repeat(256)] {
            refused(upload(&fixture, &ann, name, "cat.png").await, Code::InvalidBucketName);
            refused(upload(&fixture, &ann, "pets", name).await, Code::InvalidBucketName);
        }
    }
}

/// S61
#[tokio::test]
async fn one_deletes_ones_own_files_and_nobody_elses() {
    for fixture in Fixture::each().await {
        let (ann, ben) = (
            fixture.signed_in_user("ann@example.com").await,
            fixture.signed_in_user("ben@example.com").await,
        );
        let file = upload(&fixture, &ann, "root", "a.png").await.unwrap().public_path.unwrap();
        let unknown =
            format!("https://hall.example/_storage/local/{ROOT}/0123456789abcdef01234567");
        for path in [&*file, &*unknown, "https://elsewhere.example/a.png", "nonsense", ""] {
            fixture.engine.delete_file(with(&ben), path.to_owned()).await.unwrap();
        }
        assert!(fixture.is_served(&file).await);
        let other_environment = file.replace("/local/", "/e5f6/");
        fixture.engine.delete_file(with(&ann), other_environment).await.unwrap();
        assert!(!fixture.is_served(&file).await);
        assert_eq!(fixture.kept().await, (0, 0));
    }
}

#[tokio::test]
async fn a_file_is_served_only_under_its_own_bucket_and_what_was_never_stored_not_at_all() {
    for fixture in Fixture::each().await {
        let ann = fixture.signed_in_user("ann@example.com").await;
        let file = upload(&fixture, &ann, "pets", "a.png").await.unwrap();
        let served =
            |bucket: &str, id: &str| fixture.engine.public_file(bucket.to_owned(), id.to_owned());
        let picture = served(&file.bucket_id, &file.id).await.unwrap().unwrap().picture;
        assert_eq!((picture.mime_type, picture.bytes.len() as u64), (&*file.mime_type, file.size));
        for (bucket, id) in
            [(ROOT, &*file.id), (&*file.bucket_id, "../a.db"), ("", ""), (ROOT, ROOT)]
        {
            assert!(served(bucket, id).await.unwrap().is_none(), "{bucket}/{id}");
        }
    }
}

/// R02
#[tokio::test]
async fn a_transaction_that_fails_leaves_no_bytes_and_the_former_picture() {
    for fixture in Fixture::each().await {
        let ann = fixture.signed_in_user("ann@example.com").await;
        let picture = change(&fixture, &ann).await;
        fixture
            .engine
            .store()
            .execute("alter table files rename column size to sise", values![])
            .await
            .unwrap();
        let changed = fixture.engine.change_picture(with(&ann), png()).await;
        assert!(matches!(changed, Err(OperationError::Internal(_))));
        assert!(matches!(
            upload(&fixture, &ann, "root", "a.png").await,
            Err(OperationError::Internal(_))
        ));
        assert_eq!(fixture.kept().await, (1, 1));
        assert!(fixture.is_served(&picture).await);
    }
}

#[tokio::test]
async fn a_sweep_removes_old_bytes_without_a_row_and_no_others() {
    for fixture in Fixture::each().await {
        let ann = fixture.signed_in_user("ann@example.com").await;
        let picture = change(&fixture, &ann).await;
        let folder = &fixture.engine.settings().files_dir;
        let old = ["0123456789abcdef01234567", "1123456789abcdef01234567.part"];
        for name in old.into_iter().chain(["2123456789abcdef01234567"]) {
            std::fs::write(folder.join(name), "x").unwrap();
        }
        for name in old.into_iter().chain(picture.rsplit('/').next()) {
            let file = std::fs::File::options().write(true).open(folder.join(name)).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        }
        fixture.engine.sweep().await;
        assert_eq!(
            fixture.kept().await,
            (1, 2),
            "the picture, and the young file that may get its row yet"
        );
        assert!(fixture.is_served(&picture).await);
    }
}

#[tokio::test]
async fn sixty_pictures_an_hour_are_enough() {
    for fixture in Fixture::each().await {
        let ann = fixture.signed_in_user("ann@example.com").await;
        for _ in 0..30 {
            refused(fixture.engine.change_picture(with(&ann), vec![1]).await, Code::NotAPicture);
        }
        let wait = std::time::Duration::from_secs(60);
        let limited = Code::RateLimitExceeded { retry_after: wait };
        refused(fixture.engine.change_picture(with(&ann), png()).await, limited);
        refused(upload(&fixture, &ann, "root", "a.png").await, limited);
        fixture.pass(60);
        change(&fixture, &ann).await;
    }
}

impl Fixture {
    pub(super) async fn is_served(&self, public_path: &str) -> bool {
        let (rest, id) = public_path.rsplit_once('/').unwrap();
        let (_, bucket) = rest.rsplit_once('/').unwrap();
        let id = id.split('?').next().unwrap();
        self.engine.public_file(bucket.to_owned(), id.to_owned()).await.unwrap().is_some()
    }

    /// How many rows, and how many files in the folder.
    pub(super) async fn kept(&self) -> (usize, usize) {
        let rows = self.engine.store().fetch_all("select id from files", values![]).await.unwrap();
        let bytes = std::fs::read_dir(&self.engine.settings().files_dir).map_or(0, Iterator::count);
        (rows.len(), bytes)
    }

    /// Rows of files that somebody has: `many.png`, `many (1).png` and so on.
    pub(super) async fn fill(&self, user_id: &str, files: u32, size: i64) {
        let sql = "insert into files (id, bucket_id, content_id, file_name, size, mime_type, \
                   is_picture, is_public, \
                   user_id, uploaded_at, updated_at) values ($1, $2, $1, $3, $4, 'image/png', 1, \
                   1, $5, 0, 0)";
        for number in 0..files {
            let name =
                if number == 0 { "many.png".to_owned() } else { format!("many ({number}).png") };
            let values = values![format!("{number:024x}"), ROOT, name, size, user_id];
            self.engine.store().execute(sql, values).await.unwrap();
        }
    }
}

async fn change(fixture: &Fixture, grant: &Grant) -> String {
    fixture.engine.change_picture(with(grant), png()).await.unwrap().profile_picture.unwrap()
}

pub(super) async fn upload(
    fixture: &Fixture,
    grant: &Grant,
    bucket: &str,
    name: &str,
) -> Outcome<StoredFile> {
    fixture.engine.upload(with(grant), asked(bucket, name)).await
}

pub(super) fn asked(bucket: &str, name: &str) -> Upload {
    Upload {
        bucket: bucket.to_owned(),
        file_name: name.to_owned(),
        create_bucket: true,
        content: Content { bytes: png(), mime_type: String::new() },
        is_public: None,
        tags: Vec::new(),
    }
}

pub(super) fn png() -> Vec<u8> {
    let mut bytes = Vec::new();
    DynamicImage::new_rgb8(6, 4).write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
    bytes
}
