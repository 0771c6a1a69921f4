// Control is a tailnet for tests: Tailscale's test control server on a port of
// its own, and a way to add nodes to it and to take them out. It prints its URL
// and ends with its standard input.
//
//	POST   /test/node?key=nodekey:HEX&name=NAME            a node that is never online
//	DELETE /test/node?key=nodekey:HEX&seen-by=nodekey:HEX  is gone for that other node
//	POST   /test/expire                                    all that are logged in have to log in again
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"sync/atomic"

	"tailscale.com/net/tsaddr"
	"tailscale.com/tailcfg"
	"tailscale.com/tstest/integration/testcontrol"
	"tailscale.com/types/key"
	"tailscale.com/types/logger"
)

// regionID and regionCode name the only relay.
const (
	regionID   = 900
	regionCode = "test"
)

// firstNodeID is above those that the control server gives to nodes that log in.
const firstNodeID = 1000

func main() {
	derpPort := flag.Int("derp-port", 1, "of the relay on 127.0.0.1, with TLS")
	stunPort := flag.Int("stun-port", -1, "of the relay on 127.0.0.1; -1 for none")
	flag.Parse()

	t := &tailnet{control: &testcontrol.Server{
		Logf:      logger.Discard,
		DERPMap:   derpMap(*derpPort, *stunPort),
		AllOnline: true,
	}}
	t.lastNodeID.Store(firstNodeID)

	mux := http.NewServeMux()
	mux.HandleFunc("POST /test/node", t.add)
	mux.HandleFunc("DELETE /test/node", t.remove)
	mux.HandleFunc("POST /test/expire", func(http.ResponseWriter, *http.Request) {
		t.control.SetExpireAllNodes(true)
	})
	mux.HandleFunc("GET /generate_204", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	})
	mux.Handle("/", t.control)

	server := httptest.NewUnstartedServer(mux)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.control.HTTPTestServer = server
	server.Start()
	fmt.Println(server.URL)
	io.Copy(io.Discard, os.Stdin)
}

// derpMap has one region with one relay, whose certificate nobody checks.
func derpMap(derpPort, stunPort int) *tailcfg.DERPMap {
	node := &tailcfg.DERPNode{
		Name:             "900a",
		RegionID:         regionID,
		HostName:         "127.0.0.1",
		IPv4:             "127.0.0.1",
		IPv6:             "none",
		DERPPort:         derpPort,
		STUNPort:         stunPort,
		InsecureForTests: true,
	}
	region := &tailcfg.DERPRegion{
		RegionID:   regionID,
		RegionCode: regionCode,
		RegionName: "Test",
		Nodes:      []*tailcfg.DERPNode{node},
	}
	return &tailcfg.DERPMap{
		Regions:            map[int]*tailcfg.DERPRegion{regionID: region},
		OmitDefaultRegions: true,
	}
}

// A tailnet is a control server whose nodes can be changed.
type tailnet struct {
	control    *testcontrol.Server
	lastNodeID atomic.Int64
}

func (t *tailnet) add(w http.ResponseWriter, r *http.Request) {
	k, err := nodeKey(r, "key")
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	nodes := t.control.AllNodes()
	if len(nodes) == 0 { // the server has no map for them until then
		http.Error(w, "a node has to log in first", http.StatusConflict)
		return
	}
	id := t.lastNodeID.Add(1)
	ip := netip.AddrFrom4([4]byte{100, 64, byte(id >> 8), byte(id)})
	addresses := []netip.Prefix{
		netip.PrefixFrom(ip, 32),
		netip.PrefixFrom(tsaddr.Tailscale4To6(ip), 128),
	}
	name := r.FormValue("name")
	t.control.UpdateNode(&tailcfg.Node{
		ID:                tailcfg.NodeID(id),
		StableID:          tailcfg.StableNodeID(fmt.Sprintf("TEST%d", id)),
		Name:              name + ".tailnet.test.",
		User:              nodes[0].User, // whois needs one that has a profile
		Key:               k,
		Machine:           key.NewMachine().Public(),
		DiscoKey:          key.NewDisco().Public(),
		MachineAuthorized: true,
		Addresses:         addresses,
		AllowedIPs:        addresses,
		HomeDERP:          regionID,
		Hostinfo:          (&tailcfg.Hostinfo{OS: "linux", Hostname: name}).View(),
	})
}

// remove tells one node that another is gone, as a control server does when an
// administrator deletes it.
func (t *tailnet) remove(w http.ResponseWriter, r *http.Request) {
	k, err := nodeKey(r, "key")
	seer, err2 := nodeKey(r, "seen-by")
	if err := errors.Join(err, err2); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	node := t.control.Node(k)
	if node == nil {
		http.Error(w, "no such node", http.StatusNotFound)
		return
	}
	gone := &tailcfg.MapResponse{PeersRemoved: []tailcfg.NodeID{node.ID}}
	if !t.control.AddRawMapResponse(seer, gone) {
		http.Error(w, "the node that has to see it is not connected", http.StatusConflict)
	}
}

func nodeKey(r *http.Request, name string) (k key.NodePublic, err error) {
	if err := k.UnmarshalText([]byte(r.FormValue(name))); err != nil {
		return k, fmt.Errorf("%s: %w", name, err)
	}
	return k, nil
}
