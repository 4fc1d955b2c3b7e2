// Package loopback keeps the stand-in plugins on the machine they run on.
package loopback

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

// Check returns an error unless the host of the given server address is the loopback interface: 127.0.0.0/8, ::1 or
// the name localhost. A name is not looked up, because what it resolves to can change between the check and the call.
func Check(server string) error {
	host := server
	if strings.Contains(server, "://") {
		parsed, err := url.Parse(server)
		if err != nil {
			return fmt.Errorf("server address %q is not a URL", server)
		}
		host = parsed.Host
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	if strings.EqualFold(host, "localhost") {
		return nil
	}
	if address := net.ParseIP(host); address != nil && address.IsLoopback() {
		return nil
	}
	return fmt.Errorf("host %q is not loopback", host)
}
