package loopback

import "testing"

func TestLoopbackAddressesPass(t *testing.T) {
	for _, server := range []string{
		"https://127.0.0.1:6443", "http://127.9.9.9", "https://[::1]:6443", "https://localhost:6443/path",
		"LOCALHOST:80", "127.0.0.1", "::1",
	} {
		if err := Check(server); err != nil {
			t.Errorf("%s: %v", server, err)
		}
	}
}

func TestOtherAddressesAreRefused(t *testing.T) {
	for _, server := range []string{
		"https://10.0.0.1:6443", "https://api.example.org", "https://127.0.0.1.example.org:6443", "https://[::]:6443",
		"https://0.0.0.0:6443", "https://localhost.example.org", "", "https://user@192.0.2.1/127.0.0.1", "https://[",
	} {
		if err := Check(server); err == nil {
			t.Errorf("%s: passed", server)
		}
	}
}
