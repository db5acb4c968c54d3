use super::{DataKey, joined, random};
use base::{Code, Error, Result, TenantId, hex};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use std::{fmt, fs, io::Write, os::unix::fs::OpenOptionsExt, os::unix::fs::PermissionsExt, path::Path};

/// The root key: 32 bytes in a file that only its owner may read. Lose it, and everything sealed is lost.
#[derive(Clone)]
pub struct RootKey([u8; 32]);

impl RootKey {
    /// Reads the key of this installation, or draws one where there is none yet.
    /// True beside it: the key was drawn just now and is nowhere but here, see [`RootKey::keep`].
    /// `file` (from `TENON_ROOT_KEY_FILE`) is only read, never made.
    pub fn load(data: &Path, file: Option<&Path>) -> Result<(RootKey, bool)> {
        if let Some(file) = file {
            return RootKey::read(file).map(|key| (key, false));
        }
        let path = data.join("root.key");
        if path.exists() { RootKey::read(&path).map(|key| (key, false)) } else { RootKey::random().map(|key| (key, true)) }
    }

    /// A key that is never written anywhere, for tests.
    pub fn random() -> Result<RootKey> {
        Ok(RootKey(random()?))
    }

    /// Names the key without telling it: the first eight hexadecimal characters of its SHA-256.
    pub fn id(&self) -> String {
        hex(&Sha256::digest(self.0)).chars().take(8).collect()
    }

    /// The key for one purpose (HKDF-SHA-256, RFC 5869). The label is for ever: what was sealed needs it again.
    pub fn derive(&self, purpose: &str) -> Result<[u8; 32]> {
        let mut out = [0; 32];
        Hkdf::<Sha256>::new(Some(b"tenon/1"), &self.0).expand(purpose.as_bytes(), &mut out).map_err(Error::internal)?;
        Ok(out)
    }

    /// A token as [`super::random_token`] makes them, but the same for the same purpose: what stands in it need not be kept anywhere.
    pub fn token(&self, purpose: &str) -> Result<String> {
        Ok(URL_SAFE_NO_PAD.encode(self.derive(&format!("token {purpose}"))?))
    }

    /// Seals values that belong to the installation and not to a tenant, such as the next refresh token of a family.
    pub fn sealing(&self, purpose: &str) -> Result<DataKey> {
        Ok(DataKey(self.derive(&format!("seal {purpose}"))?))
    }

    /// A new data key for a tenant, and the same one wrapped: the form that may be stored.
    pub fn new_data_key(&self, tenant: TenantId) -> Result<(DataKey, Vec<u8>)> {
        let key = DataKey(random()?);
        let wrapped = self.sealing("data key")?.seal_with(&wrapping(tenant), &key.0)?;
        Ok((key, wrapped))
    }

    /// Unwraps a tenant's data key. A wrong root key and a foreign tenant's key are refused alike.
    pub fn data_key(&self, tenant: TenantId, wrapped: &[u8]) -> Result<DataKey> {
        let bytes = self.sealing("data key")?.open_with(&wrapping(tenant), wrapped)?;
        bytes.try_into().map(DataKey).map_err(|_| Error::internal("a data key has the wrong length"))
    }

    /// Writes a key that was drawn. Where another process was faster, its key is not touched and this one is refused.
    pub fn keep(&self, path: &Path) -> Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        // The whole file appears at once under its name, and only if nobody else was first: `hard_link` never replaces.
        let part = path.with_extension(format!("{}.part", hex(&random::<8>()?)));
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
        file.write_all(format!("{}\n", hex(&self.0)).as_bytes())?;
        file.sync_all()?;
        let linked = fs::hard_link(&part, path);
        fs::remove_file(&part)?;
        match linked {
            Ok(()) => path.parent().map_or(Ok(()), |folder| Ok(fs::File::open(folder)?.sync_all()?)),
            Err(cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => {
                Err(Error::unavailable("Another process has just begun this installation. Start again.").with_cause(cause))
            }
            Err(cause) => Err(cause.into()),
        }
    }

    fn read(path: &Path) -> Result<RootKey> {
        let refuse = |why: &str| Error::new(Code::Internal, "root-key", format!("The root key {} {why}.", path.display()));
        let mode = fs::metadata(path).map_err(|e| refuse("cannot be read").with_cause(e))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(refuse("may be read by others; run chmod 600 on it"));
        }
        let bytes = fs::read(path).map_err(|e| refuse("cannot be read").with_cause(e))?;
        let key = parse(&bytes).ok_or_else(|| refuse("is not 32 bytes, nor 64 hexadecimal characters"))?;
        if is_sample(&key) {
            return Err(refuse("is a sample value; make one with: openssl rand -hex 32"));
        }
        Ok(RootKey(key))
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RootKey({})", self.id())
    }
}

fn wrapping(tenant: TenantId) -> Vec<u8> {
    joined(&[tenant.to_string().as_bytes()])
}

/// 32 bytes as they are, or 64 hexadecimal characters with or without a line end.
fn parse(bytes: &[u8]) -> Option<[u8; 32]> {
    if let Ok(raw) = bytes.try_into() {
        return Some(raw);
    }
    let text = bytes.trim_ascii_end();
    if text.len() != 64 {
        return None;
    }
    let mut key = [0; 32];
    for (byte, pair) in key.iter_mut().zip(text.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok().filter(|p| !p.starts_with('+'))?, 16).ok()?;
    }
    Some(key)
}

/// Values that people type: one byte repeated, counting up or down, plain text. Random bytes look like this less than once in 10^13.
fn is_sample(key: &[u8; 32]) -> bool {
    let mut steps = key.iter().zip(key.iter().skip(1)).map(|(a, b)| b.wrapping_sub(*a));
    let first = steps.next();
    let regular = steps.all(|step| Some(step) == first);
    let mut seen = [false; 256];
    for byte in key {
        if let Some(slot) = seen.get_mut(usize::from(*byte)) {
            *slot = true;
        }
    }
    regular || seen.iter().filter(|s| **s).count() < 12 || key.iter().all(|b| b.is_ascii_graphic() || *b == b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_start_writes_the_key_and_later_ones_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let (first, made) = RootKey::load(&data, None).unwrap();
        assert!(made && !data.exists());
        first.keep(&data.join("root.key")).unwrap();
        assert!(RootKey::random().unwrap().keep(&data.join("root.key")).is_err(), "a key that is there is never replaced");
        let (again, made) = RootKey::load(&data, None).unwrap();
        assert!(!made && again.id() == first.id() && first.id().len() == 8);
        assert_eq!(fs::metadata(data.join("root.key")).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&data).unwrap().count(), 1);
        assert_ne!(first.derive("a").unwrap(), first.derive("b").unwrap());
        assert!(!format!("{first:?}").contains(&hex(&first.0)));
    }

    #[test]
    fn a_key_that_others_can_read_or_that_somebody_typed_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let put = |bytes: &[u8], mode: u32| {
            fs::write(&path, bytes).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            RootKey::load(dir.path(), Some(&path))
        };
        let good: Vec<u8> = random::<32>().unwrap().to_vec();
        assert!(put(&good, 0o600).is_ok());
        assert!(put(hex(&good).as_bytes(), 0o400).is_ok());
        assert!(put(&good, 0o644).is_err());
        assert!(put(&good, 0o640).is_err());
        let counting: Vec<u8> = (0..32).collect();
        let wrong: [&[u8]; 9] = [
            &[],
            &good[..31],
            &[good.clone(), vec![1]].concat(),
            &[0; 32],
            &[0x2a; 32],
            &counting,
            b"change-me-change-me-change-me-32",
            b"00",
            &[b'z'; 64],
        ];
        for bytes in wrong {
            let refused = put(bytes, 0o600).unwrap_err();
            assert_eq!(refused.name(), "root-key", "{bytes:?}");
        }
        fs::remove_file(&path).unwrap();
        assert!(RootKey::load(dir.path(), Some(&path)).is_err());
    }
}
