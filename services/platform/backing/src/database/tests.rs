use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;

#[tokio::test(start_paused = true)]
async fn a_server_that_is_late_is_waited_for_however_late_it_is() {
    let waiting = Waiting::default();
    // The discard port, where nothing listens.
    let address = "postgres://lab:secret@127.0.0.1:9/links";
    let open = Database::open(address, "database/links", Counter::default(), &waiting);
    assert!(timeout(Duration::from_hours(1), open).await.is_err(), "it does not give up");
    let reason = waiting.reason().expect("it waits");
    let what = "the database `database/links` at `postgres://...@127.0.0.1:9/links`: ";
    assert!(reason.starts_with(what) && !reason.contains("secret"), "{reason}");
}

/// The reason for the wait, as soon as an attempt has failed.
async fn reason(waiting: &Waiting) -> String {
    loop {
        if let Some(reason) = waiting.reason() {
            return reason;
        }
        sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn what_the_last_attempt_met_is_told_as_it_was() {
    for (address, met) in [
        ("postgres://lab@127.0.0.1:9/links", "Connection refused"),
        ("postgres://lab@nowhere.invalid/links", "failed to lookup address information"),
    ] {
        let waiting = Waiting::default();
        let reason = tokio::select! {
            opened = Database::open(address, "database", Counter::default(), &waiting) => panic!("{opened:?}"),
            reason = reason(&waiting) => reason,
        };
        assert!(reason.contains(met), "{reason}");
    }
}

/// The address of a server that refuses every connection with this code.
async fn refusing(code: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("postgres://lab@{}/links?sslmode=disable", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let fields = format!("SFATAL\0VFATAL\0C{code}\0Mcode {code}\0\0");
            let length = u32::try_from(4 + fields.len()).unwrap().to_be_bytes();
            let _ = client.read(&mut [0; 1024]).await;
            let _ = client.write_all(&[b"E", &length[..], fields.as_bytes()].concat()).await;
        }
    });
    address
}

#[tokio::test]
async fn what_a_servers_scripts_make_later_is_waited_for_and_nothing_that_time_does_not_mend() {
    for (code, is_waited_for) in
        [("3D000", true), ("28000", true), ("28P01", true), ("57P03", true), ("42501", false)]
    {
        let waiting = Waiting::default();
        let address = refusing(code).await;
        let (waited_for, said) = tokio::select! {
            opened = Database::open(&address, "database", Counter::default(), &waiting) =>
                (false, opened.unwrap_err().to_string()),
            reason = reason(&waiting) => (true, reason),
        };
        assert_eq!(waited_for, is_waited_for, "{code}: {said}");
        assert!(said.contains(&format!("code {code}")), "{said}");
    }
}

#[tokio::test]
async fn an_address_that_nobody_understands_is_refused_at_once() {
    let waiting = Waiting::default();
    let error = Database::open("mysql://x:secret@host/y", "database", Counter::default(), &waiting).await;
    assert!(matches!(error, Err(OpenError::UnknownAddress(address)) if !address.contains("secret")));
}
