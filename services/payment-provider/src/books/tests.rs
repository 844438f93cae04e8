use super::*;

fn authorised(id: &str) -> Charge {
    Charge {
        id: id.to_owned(),
        order: "1".to_owned(),
        amount: 500,
        currency: "EUR".to_owned(),
        status: Status::Authorised,
        decline: None,
        captured: 0,
        refunded: 0,
        created_at: 1,
        expires_at: 2,
    }
}

async fn opened() -> (tempfile::TempDir, Books) {
    let folder = tempfile::tempdir().unwrap();
    let books = Books::open(&folder.path().join("books.db")).await.unwrap();
    (folder, books)
}

#[tokio::test]
async fn what_is_not_committed_is_not_there() {
    let (_folder, books) = opened().await;
    let mut entry = books.entry().await.unwrap();
    entry.insert(&authorised("ch_1")).await.unwrap();
    entry.store("a", b"hash", &Reply { status: 201, body: "{}".to_owned() }).await.unwrap();
    drop(entry);
    assert_eq!(books.charge("ch_1").await.unwrap(), None);
    assert_eq!(books.stored("a").await.unwrap(), None);
}

#[tokio::test]
async fn a_charge_is_read_as_it_was_written() {
    let (_folder, books) = opened().await;
    let mut entry = books.entry().await.unwrap();
    let declined =
        Charge { status: Status::Declined, decline: Some(Decline::InsufficientFunds), ..authorised("ch_1") };
    entry.insert(&declined).await.unwrap();
    let captured = Charge { status: Status::Captured, captured: 300, refunded: 100, ..authorised("ch_2") };
    entry.insert(&authorised("ch_2")).await.unwrap();
    entry.update(&captured).await.unwrap();
    entry.commit().await.unwrap();
    assert_eq!(books.page(None, 0, 10).await.unwrap().charges, [declined, captured]);
}

#[tokio::test]
async fn the_file_itself_refuses_sums_that_do_not_add_up() {
    let (_folder, books) = opened().await;
    let mut entry = books.entry().await.unwrap();
    entry.insert(&authorised("ch_1")).await.unwrap();
    for (captured, refunded) in [(501, 0), (300, 301), (-1, 0), (300, -1)] {
        let wrong = Charge { captured, refunded, ..authorised("ch_1") };
        assert!(entry.update(&wrong).await.is_err(), "{captured} {refunded}");
    }
}
