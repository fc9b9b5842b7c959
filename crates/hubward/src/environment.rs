//! The one place where environment variables are read.

use std::ffi::OsString;
use std::path::PathBuf;

use hubward_core::SecretString;
use hubward_sources::DriverSearch;

/// A variable; none where it is unset or not valid Unicode.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn set(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// `HUBSPOT_BASE_URL`: the host that every command goes to, whatever the project says.
pub(crate) fn base_url() -> Option<String> {
    variable("HUBSPOT_BASE_URL").filter(|url| !url.trim().is_empty()).map(|url| url.trim_end_matches('/').to_owned())
}

/// Where ADBC drivers may lie.
pub(crate) fn driver_search() -> DriverSearch {
    DriverSearch {
        driver_paths: set("ADBC_DRIVER_PATH").map(|paths| std::env::split_paths(&paths).collect()).unwrap_or_default(),
        home: set("HOME").map(PathBuf::from),
        venv: set("VIRTUAL_ENV").or_else(|| set("CONDA_PREFIX")).map(PathBuf::from),
    }
}

/// The proxy for `url`: `HTTPS_PROXY` for https addresses whose host `NO_PROXY` does not name; none otherwise.
pub(crate) fn proxy(url: &str) -> Option<SecretString> {
    let host = url.strip_prefix("https://")?.split(['/', ':']).next()?;
    let except = variable("NO_PROXY").or_else(|| variable("no_proxy")).unwrap_or_default();
    if excepted(host, &except) {
        return None;
    }
    variable("HTTPS_PROXY")
        .or_else(|| variable("https_proxy"))
        .filter(|proxy| !proxy.is_empty())
        .map(SecretString::from)
}

fn excepted(host: &str, list: &str) -> bool {
    list.split(',').map(|entry| entry.trim().trim_start_matches('.')).filter(|entry| !entry.is_empty()).any(|entry| {
        entry == "*" || host == entry || host.strip_suffix(entry).is_some_and(|before| before.ends_with('.'))
    })
}

/// `AWS_…`, which say how to reach a bucket where a configuration is silent.
pub(crate) fn aws() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, value)| name.starts_with("AWS_") && !value.is_empty())
        .collect()
}

/// `NO_COLOR` is set to something.
pub(crate) fn no_color() -> bool {
    set("NO_COLOR").is_some()
}

/// The filter of the log, `HUBWARD_LOG`.
pub(crate) fn log_filter() -> Option<String> {
    variable("HUBWARD_LOG").filter(|filter| !filter.is_empty())
}

/// `COLUMNS`, the terminal's width where a shell tells it.
pub(crate) fn columns() -> Option<usize> {
    variable("COLUMNS")?.parse().ok().filter(|columns| *columns >= 20)
}

#[cfg(test)]
mod tests {
    use super::excepted;

    #[test]
    fn a_proxy_exception_covers_the_host_and_its_subdomains_only() {
        assert!(excepted("api.hubapi.com", "localhost, .hubapi.com"));
        assert!(excepted("hubapi.com", "hubapi.com"));
        assert!(excepted("api.hubapi.com", "*"));
        assert!(!excepted("api.nothubapi.com", "hubapi.com"));
        assert!(!excepted("api.hubapi.com", ""));
    }
}
