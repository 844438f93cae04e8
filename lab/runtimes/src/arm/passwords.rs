//! Addresses for display: without their passwords.

/// Hides the passwords in lines with one address each: `user:password@` becomes `user:***@`, and `password=`
/// in the query, which PostgreSQL accepts, is hidden as well.
pub fn without_passwords(text: &str) -> String {
    text.split_inclusive('\n').map(|line| query_without_password(&line_without_password(line))).collect()
}

fn query_without_password(line: &str) -> String {
    let Some((address, query)) = line.split_once('?').filter(|(address, _)| address.contains("://")) else {
        return line.to_owned();
    };
    let fields = query.split('&').map(|field| match field.split_once("password=") {
        Some((before, password)) => {
            let ends = password.find(['"', '\'', '#', ' ', '\n']).unwrap_or(password.len());
            format!("{before}password=***{}", &password[ends..])
        }
        None => field.to_owned(),
    });
    format!("{address}?{}", fields.collect::<Vec<_>>().join("&"))
}

fn line_without_password(line: &str) -> String {
    let hidden = || {
        let (scheme, rest) = line.split_once("://")?;
        // The last `@`: a password may contain one.
        let (credentials, host) = rest.rsplit_once('@')?;
        let (user, _password) = credentials.split_once(':')?;
        Some(format!("{scheme}://{user}:***@{host}"))
    };
    hidden().unwrap_or_else(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shown_wiring_file_has_no_password() {
        let text = "process = \"links\"\ndatabase = \"postgres://lab:secret@127.0.0.1:5432/links\"\n";
        assert_eq!(
            without_passwords(text),
            "process = \"links\"\ndatabase = \"postgres://lab:***@127.0.0.1:5432/links\"\n"
        );
        assert_eq!(without_passwords("postgres://lab:s@crt@host/db"), "postgres://lab:***@host/db");
        let query = "a = \"postgres://host/db?user=lab&password=secret&sslmode=disable\"\nb = \"postgres://lab:secret@host/db?password=secret\"\n";
        assert_eq!(
            without_passwords(query),
            "a = \"postgres://host/db?user=lab&password=***&sslmode=disable\"\nb = \"postgres://lab:***@host/db?password=***\"\n"
        );
        assert_eq!(without_passwords("what?password=mine"), "what?password=mine", "no address");
    }
}
