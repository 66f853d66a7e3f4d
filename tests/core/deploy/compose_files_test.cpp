// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/compose_files.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <doctest/doctest.h>

using namespace wrktalk;
using namespace wrktalk::deploy;
using namespace wrktalk::deploy::compose;
using policy::Level;
using policy::Policy;
using policy::Rule;

namespace {

/// A release in memory, and what was read of it.
class Written : public Files {
 public:
  explicit Written(std::map<std::string, std::string> files) : files_(std::move(files)) {}
  std::map<std::string, std::string> read(const std::set<std::string>& names) override {
    std::map<std::string, std::string> out;
    for (const auto& name : names) {
      opened.insert(name);
      if (const auto found = files_.find(name); found != files_.end()) out.insert(*found);
    }
    return out;
  }
  std::set<std::string> opened;

 private:
  std::map<std::string, std::string> files_;
};

Policy policy_of(Level level) {
  Policy policy(level);
  policy.data_dirs = {"/srv/data"};
  return policy;
}

/// What is said of a compose file under a strict policy; empty when nothing.
std::string why(Written files, const std::string& name = "compose.yml",
                const Policy& policy = policy_of(Level::strict)) {
  try {
    policy::enforce(policy, judge_files(files, name, policy));
  } catch (const base::Error& e) {
    CHECK(e.kind() == base::Kind::artifact);
    CHECK_FALSE(e.hint().empty());
    return e.what();
  }
  return {};
}

Written one(const std::string& text) { return Written(std::map<std::string, std::string>{{"compose.yml", text}}); }

std::string in_service(const std::string& fields) {
  std::string out = "services:\n  web:\n";
  for (const auto& line : base::split(fields, '\n')) out += "    " + line + "\n";
  return out;
}

}  // namespace

TEST_SUITE("deploy::compose files that compose would open") {
  TEST_CASE("whatever leads out of the release is refused with its file and line, in every spelling") {
    struct Bad {
      const char* text;
      int line;
      const char* key = "env_file";
      const char* path = "/etc/passwd";
    };
    for (const Bad& bad : std::initializer_list<Bad>{
             {"services:\n  web:\n    env_file: /etc/passwd\n", 3},
             {"services:\n  web:\n    env_file: ../secrets.env\n", 3, "env_file", "../secrets.env"},
             {"services:\n  web:\n    env_file: a/../../x\n", 3, "env_file", "a/../../x"},
             {"services:\n  web:\n    env_file:\n      - .env\n      - \"/etc/passwd\"\n", 5},
             {"services:\n  web:\n    env_file:\n    - path: '/etc/passwd'\n      required: false\n", 4},
             {"services:\n  web:\n    env_file:\n    - {required: false, \"path\": /etc/passwd}\n", 4},
             {"services:\n  web:\n    env_file: [\n/etc/passwd\n]\n", 4},
             {"services:\n  web:\n    env_file: >-\n      /etc/passwd\n", 3},
             {"services:\n  web:\n    env_file: |-\n      /etc/passwd\n", 3},
             {"services:\n  web:\n    env_file: ${HOME}/x\n", 3, "env_file", "${HOME}/x"},
             {"services:\n  web:\n    env_file: ${X:-.env}\n", 3, "env_file", "${X:-.env}"},
             {"services:\n  web:\n    env_file: ~/x\n", 3, "env_file", "~/x"},
             {"x-a: &elsewhere /etc/passwd\nservices:\n  web:\n    env_file: *elsewhere\n", 1},
             {"x-a: &all [.env, /etc/passwd]\nservices:\n  web:\n    env_file: *all\n", 1},
             {"services:\n  web:\n    env_file: !!str /etc/passwd\n", 3},
             {"services:\n  web:\n    env_file: !override [/etc/passwd]\n", 3},
             {"services:\n  web:\n    env_file: \"\\x2fetc/passwd\"\n", 3},
             {"services:\n  web:\n    env_file: \"\\u002e./x\"\n", 3, "env_file", "../x"},
             {"services:\n  web:\n    env_file: \"../\\\n      x\"\n", 3, "env_file", "../x"},
             {"services:\n  web:\n    \"env_file\" : /etc/passwd\n", 3},
             {"services:\n  web:\n    'env_file': /etc/passwd\n", 3},
             {"services:\n  web:\n    \"env\\x5ffile\": /etc/passwd\n", 3},
             {"services:\n  web:\n    ? env_file\n    : /etc/passwd\n", 4},
             {"services:\n  web:\n    ? \"env_\\\n      file\"\n    : - /etc/passwd\n", 5},
             {"services:\n  web:\n    ? |-\n      env_file\n    : /etc/passwd\n", 5},
             {"services:\n  web: {image: x, env_file: /etc/passwd}\n", 2},
             {"{services: {web: {env_file: [/etc/passwd]}}}\n", 1},
             {"{\"services\":{\"web\":{\"env_file\":\"/etc/passwd\"}}}\n", 1},
             {"{\n\t\"services\": {\n\t\t\"web\": {\n\t\t\t\"env_file\":\n\t\t\t\t[\"/etc/passwd\"]\n\t\t}\n\t}\n}\n",
              5},
             {"x-key: &k env_file\nservices:\n  web:\n    *k : /etc/passwd\n", 4},
             {"services:\n  web:\n    !!str env_file: /etc/passwd\n", 3},
             {"services:\n  web:\n    &a env_file: &b /etc/passwd\n", 3},
             {"%YAML 1.1\n---\nservices:\n  web:\n    env_file: /etc/passwd\n", 5},
             {"services:\n  web:\n    image: x # \xE2\x80\xA8    env_file: /etc/passwd\n", 4},
             {"services:\n  web:\n    image: x\xE2\x80\xA9    env_file: /etc/passwd\n", 4},
             {"services:\n  web:\n    image: x\xC2\x85    env_file: /etc/passwd\n", 4},
             {"services:\r  web:\r    env_file: /etc/passwd\r", 3},
             {"\xEF\xBB\xBFservices:\n  web:\n    env_file: /etc/passwd\n", 3},
             {"services:\n  web:\n    Env_File: /etc/passwd\n", 3},
             {"Services:\n  web:\n    ENV_FILE: /etc/passwd\n", 3},
             {"x-base: &base\n  env_file: /etc/passwd\nservices:\n  web:\n    <<: *base\n    image: x\n", 2},
             {"x-a: &a {image: x}\nx-b: &b {env_file: /etc/passwd}\nservices:\n  web:\n    <<: [*a, *b]\n", 2},
             {"x-a: &a\n  <<: {env_file: /etc/passwd}\nservices:\n  web:\n    <<: *a\n", 2},
             {"x-all: &all\n  web:\n    env_file: /etc/passwd\nservices:\n  <<: *all\n", 3},
             {"x-all: &all\n  services:\n    web:\n      env_file: /etc/passwd\n<<: *all\n", 4},
             {"services:\n  web: {}\nservices:\n  web:\n    env_file: /etc/passwd\n", 5},
             {"services:\n  web:\n    env_file: .env\n    env_file: /etc/passwd\n", 4},
             {"services: {web: {image: x}}\n---\nservices:\n  web:\n    env_file: /etc/passwd\n", 5},
             {"web:\n  image: x\n  env_file: /etc/passwd\n", 3},
             {"services:\n  web:\n    profiles: [never]\n    env_file: /etc/passwd\n", 4},
             {"services:\n  web:\n    label_file: /etc/passwd\n", 3, "label_file"},
             {"services:\n  web:\n    label_file:\n    - a.labels\n    - ../b\n", 5, "label_file", "../b"},
             {"services:\n  web:\n    security_opt: [\"seccomp:/etc/passwd\"]\n", 3, "security_opt"},
             {"services:\n  web:\n    security_opt:\n    - seccomp=../x\n", 4, "security_opt", "../x"},
             {"services:\n  web:\n    extends:\n      file: /srv/other/compose.yml\n      service: x\n", 4, "extends",
              "/srv/other/compose.yml"},
             {"services:\n  web:\n    extends: {service: x, file: ../x.yml}\n", 3, "extends", "../x.yml"},
             {"include:\n- https://example.org/compose.yml\n", 2, "include", "https://example.org/compose.yml"},
             {"include:\n- git@example.org:a/b.git\n", 2, "include", "git@example.org:a/b.git"},
             {"include:\n- github.com/a/b\n", 2, "include", "github.com/a/b"},
             {"include:\n- oci://example.org/x\n", 2, "include", "oci://example.org/x"},
             {"include:\n- path: a.yml\n  env_file: /etc/passwd\n", 3},
             {"include:\n- path: a.yml\n  env_file: [.env, /etc/passwd]\n", 3},
             {"include:\n- path: [a.yml, ../b.yml]\n", 2, "include", "../b.yml"},
             {"include: ../compose.yml\n", 1, "include", "../compose.yml"},
         }) {
      CAPTURE(bad.text);
      const std::string path = bad.path;
      const std::string reason = path.find('$') != std::string::npos              ? "cannot be checked"
                                 : path.find("..") == 0 || path.find("a/..") == 0 ? "leads out of the release"
                                                                                  : "is not in the release";
      CHECK(why(one(bad.text), "compose.yml", Policy(Level::allow)) ==
            "compose.yml:" + std::to_string(bad.line) + ": '" + bad.key + "' names " + path + ", which " + reason);
    }
  }

  TEST_CASE("what cannot be judged is refused, not passed over") {
    for (const auto& [text, said] : std::initializer_list<std::pair<std::string, const char*>>{
             {"include:\n- path: a.yml\n  project_directory: /etc\n",
              "compose.yml:3: 'project_directory' is not supported"},
             {"services:\n  web:\n    !!binary ZW52X2ZpbGU=: /etc/passwd\n",
              "compose.yml:3: a binary value cannot be judged"},
             {"services:\n  web:\n    env_file: !!binary L2V0Yy9wYXNzd2Q=\n",
              "compose.yml:3: a binary value cannot be judged"},
             {"%TAG !e! tag:yaml.org,2002:\n---\nservices:\n  web:\n    !e!binary ZW52X2ZpbGU=: x\n",
              "compose.yml:5: a binary value cannot be judged"},
             {"services:\n  web:\n    ? [env_file]\n    : /etc/passwd\n", "compose.yml:3: a key is no plain text"},
             {"services: &s\n  web:\n    env_file: *s\n", "compose.yml:3: the anchor 's' would hold itself"},
             {"services:\n  web:\n\tenv_file: /etc/passwd\n",
              "compose.yml:3: this is no YAML: found character that cannot start any token"},
             {"services:\n  web:\n    env_file: [.env\n",
              "compose.yml:4: this is no YAML: did not find expected ',' or ']'"},
             {std::string("services:\n  web: x\0\n", 19),
              "compose.yml:1: this is no YAML: control characters are not allowed"},
             {"\xFF\xFEs", "compose.yml:1: this is no YAML: invalid leading UTF-8 octet"},
             {std::string(1024 * 1024 + 1, '#'), "compose.yml:1: it is larger than 1.0 MB"},
         }) {
      CAPTURE(text.substr(0, 100));
      CHECK(why(one(text)) == said);
    }
  }

  TEST_CASE("included and extended files are looked at too, from where their paths begin; nothing else is opened") {
    Written tree(std::map<std::string, std::string>{
        {"app/compose.yml", "include: [sub/a.yml]\n"},
        {"app/sub/a.yml", "services:\n  web:\n    env_file: ../../x.env\n    extends:\n      file: ../b.yml\n"},
        {"app/b.yml", "services:\n  web:\n    image: x\n    env_file: /root/.env\n"}});
    CHECK(why(tree, "app/compose.yml") == "app/b.yml:4: 'env_file' names /root/.env, which is not in the release");
    Written round(std::map<std::string, std::string>{{"a.yml", "include: [b.yml, gone.yml]\n"},
                                                     {"b.yml", "include: [a.yml]\n"},
                                                     {"compose.override.yml", "services: 1"}});
    CHECK_THROWS_WITH_AS(judge_files(round, "a.yml", Policy()),
                         "a.yml:1: 'include' names gone.yml, which is not in the release", base::Error);
    CHECK(round.opened == std::set<std::string>{"a.yml", "b.yml", "gone.yml"});
    // The paths of a second file of one include begin where the first lies.
    const std::map<std::string, std::string> two = {{"compose.yml", "include:\n- path: [deep/er/a.yml, b.yml]\n"},
                                                    {"deep/er/a.yml", "services: {a: {image: x}}\n"},
                                                    {"b.yml", "services: {a: {env_file: ../../x}}\n"}};
    CHECK(why(Written(two), "compose.yml", Policy(Level::allow)).empty());
    std::string many;
    std::map<std::string, std::string> files;
    for (int i = 0; i < 110; ++i)
      files["f" + std::to_string(i) + ".yml"] = "include: [f" + std::to_string(i + 1) + ".yml]\n";
    CHECK(why(Written(files), "f0.yml").find("include too many others") != std::string::npos);
  }
}

TEST_SUITE("deploy::compose models and the policy") {
  TEST_CASE("what is dangerous is found in every spelling, with its line and its rule") {
    for (const auto& [fields, said] : std::initializer_list<std::pair<const char*, const char*>>{
             {"privileged: true", "3: service web is privileged (privileged)"},
             {"\"privileged\": yes", "3: service web is privileged (privileged)"},
             {"privileged: \"true\"", "3: service web is privileged (privileged)"},
             {"<<: {privileged: on}", "3: service web is privileged (privileged)"},
             {"post_start: [{command: x, privileged: true}]",
              "3: service web has a privileged post_start command (privileged)"},
             {"security_opt: [\"seccomp:unconfined\"]",
              "3: service web runs unconfined: seccomp:unconfined (privileged)"},
             {"security_opt:\n- apparmor=unconfined",
              "4: service web runs unconfined: apparmor=unconfined (privileged)"},
             {"security_opt:\n- label:disable", "4: service web runs unconfined: label:disable (privileged)"},
             {"pid: host", "3: service web shares a namespace with the host: pid: host (host_namespaces)"},
             {"pid: \"ho\\x73t\"", "3: service web shares a namespace with the host: pid: host (host_namespaces)"},
             {"ipc: host", "3: service web shares a namespace with the host: ipc: host (host_namespaces)"},
             {"uts: host", "3: service web shares a namespace with the host: uts: host (host_namespaces)"},
             {"cgroup: host", "3: service web shares a namespace with the host: cgroup: host (host_namespaces)"},
             {"userns_mode: host",
              "3: service web shares a namespace with the host: userns_mode: host (host_namespaces)"},
             {"network_mode: host",
              "3: service web shares a namespace with the host: network_mode: host (host_namespaces)"},
             {"net: host", "3: service web shares a namespace with the host: net: host (host_namespaces)"},
             {"network_mode: \"container:db\"",
              "3: service web joins the namespace of network_mode: container:db (host_namespaces)"},
             {"cap_add: [SYS_ADMIN]", "3: service web gets the capability SYS_ADMIN (capabilities)"},
             {"cap_add:\n- chown\n- cap_net_admin", "5: service web gets the capability cap_net_admin (capabilities)"},
             {"cap_add: [ALL]", "3: service web gets the capability ALL (capabilities)"},
             {"devices: [\"/dev/kvm:/dev/kvm\"]", "3: service web gets the device /dev/kvm:/dev/kvm (devices)"},
             {"devices:\n- source: /dev/mem\n  target: /dev/x", "4: service web gets the device /dev/mem (devices)"},
             {"device_cgroup_rules: [\"a *:* rwm\"]", "3: service web gets the device a *:* rwm (devices)"},
             {"volumes: [\"/var/run/docker.sock:/var/run/docker.sock\"]",
              "3: service web mounts /var/run/docker.sock, which gives it the container engine (engine_socket)"},
             {"volumes: [{type: bind, source: /run/podman/podman.sock, target: /s}]",
              "3: service web mounts /run/podman/podman.sock, which gives it the container engine (engine_socket)"},
             {"use_api_socket: true", "3: service web uses the engine's socket (use_api_socket) (engine_socket)"},
             {"volumes:\n- /etc:/host", "4: service web mounts /etc, which lies outside the release (host_paths)"},
             {"volumes:\n- ../other:/x", "4: service web mounts ../other, which lies outside the release (host_paths)"},
             {"volumes:\n- ~/.ssh:/x:ro", "4: service web mounts ~/.ssh, which lies outside the release (host_paths)"},
             {"volumes:\n- ./a/../../b:/x",
              "4: service web mounts ./a/../../b, which lies outside the release (host_paths)"},
             {"volumes:\n- /srv/data/../database:/x",
              "4: service web mounts /srv/data/../database, which lies outside the release (host_paths)"},
             {"volumes:\n- /srv/database:/x",
              "4: service web mounts /srv/database, which lies outside the release (host_paths)"},
             {"volumes:\n- {source: /etc, type: bind, target: /x}",
              "4: service web mounts /etc, which lies outside the release (host_paths)"},
             {"volumes:\n- type: \"bind\"\n  \"source\": \"\\x2fetc\"\n  target: /x",
              "5: service web mounts /etc, which lies outside the release (host_paths)"},
             {"volumes:\n- type: bind\n  source: etc/../../x\n  target: /x",
              "5: service web mounts etc/../../x, which lies outside the release (host_paths)"},
             {"volumes_from: [\"container:db\"]", "3: service web takes the volumes of container:db (host_paths)"},
             {"provider:\n  type: ./run.sh",
              "4: service web starts a program on this machine: provider ./run.sh (host_programs)"},
             {"build: .",
              "3: service web is built on this machine, instead of naming an image that was built and pushed before "
              "(builds)"},
             {"image: shop/web:1", "3: service web takes image shop/web:1, which has no digest (unpinned_images)"},
             {"image: shop/web@sha256",
              "3: service web takes image shop/web@sha256, which has no digest (unpinned_images)"},
         }) {
      CAPTURE(fields);
      CHECK(why(one(in_service(fields))) == std::string("the policy refuses this release: compose.yml:") + said);
    }
    for (const auto& [text, said] : std::initializer_list<std::pair<const char*, const char*>>{
             {"secrets:\n  key:\n    file: /etc/shadow\n",
              "3: the secrets' key is the file /etc/shadow, which lies outside the release (host_paths)"},
             {"configs:\n  c: {file: ../x}\n",
              "2: the configs' c is the file ../x, which lies outside the release (host_paths)"},
             {"volumes:\n  v:\n    driver_opts: {type: none, o: bind, device: /etc}\n",
              "3: the volume v is a mount of /etc, which lies outside the release (host_paths)"},
             {"volumes:\n  v:\n    driver_opts:\n      type: nfs\n      o: \"rw,rbind\"\n      device: /\n",
              "6: the volume v is a mount of /, which gives it the container engine (engine_socket); "
              "compose.yml:6: the volume v is a mount of /, which lies outside the release (host_paths)"},
             {"volumes:\n  v:\n    driver_opts: {type: ext4, device: /dev/sda1}\n",
              "3: the volume v is a mount of /dev/sda1, which lies outside the release (host_paths)"},
             {"volumes:\n  v:\n    driver_opts: {type: overlay, device: overlay, o: \"lowerdir=/etc\"}\n",
              "3: the volume v is a mount of folders of the host: lowerdir=/etc (host_paths)"},
             {"networks:\n  n: {external: true, name: host}\n", "2: the network n is the host's (host_namespaces)"},
             {"networks:\n  host: {external: true}\n", "2: the network host is the host's (host_namespaces)"},
             {"networks:\n  default:\n    external: {name: host}\n",
              "3: the network default is the host's (host_namespaces)"},
             {"models:\n  m: {model: ai/x}\n", "2: it asks Docker's model runner for models (host_programs)"},
         }) {
      CAPTURE(text);
      CHECK(why(one(std::string(text) + "services: {}\n")) ==
            std::string("the policy refuses this release: compose.yml:") + said);
    }
    CHECK(why(one(in_service(
              "build:\n  context: /\n  network: host\n  additional_contexts: [\"a=/etc\", \"b=docker-image://x\"]"))) ==
          "the policy refuses this release: compose.yml:4: service web is built on this machine, instead of naming an "
          "image that was built and pushed before (builds); "
          "compose.yml:4: service web is built from /, which gives it the container engine (engine_socket); "
          "compose.yml:4: service web is built from /, which lies outside the release (host_paths); "
          "compose.yml:5: service web is built in the host's network (host_namespaces); "
          "compose.yml:6: service web is built from /etc, which lies outside the release (host_paths)");
  }
}

TEST_SUITE("deploy::compose in real life") {
  TEST_CASE("ordinary compose files pass: nothing is refused, and the strictest policy has nothing to say") {
    const std::string digest = "@sha256:" + std::string(64, 'a');
    const std::map<std::string, std::string> shop = {
        {"docker-compose.yml",
         "# The shop\nversion: \"3.8\"\nname: shop\n"
         "x-logging: &logging\n  driver: json-file\n  options: {max-size: \"10m\", max-file: \"3\"}\n"
         "x-app: &app\n  image: registry.example.org/shop/app:1.2" +
             digest +
             "\n  restart: unless-stopped\n"
             "  logging: *logging\n  env_file: [.env, ./conf/app.env]\n  cap_drop: [ALL]\n  cap_add: [CHOWN, "
             "NET_BIND_SERVICE]\n"
             "  security_opt: [\"no-new-privileges:true\", \"seccomp:./conf/seccomp.json\"]\n"
             "services:\n  web:\n    <<: *app\n    command: [\"sh\", \"-c\", \"cat /etc/hosts && exec server "
             "--include=/etc\"]\n"
             "    ports: [\"127.0.0.1:${PORT:-8080}:8080\", \"443:443/tcp\"]\n"
             "    environment:\n      - DATABASE_URL=postgres://app:${DB_PASSWORD}@db/shop\n      - "
             "env_file=/etc/passwd\n"
             "    labels:\n      include: /etc/passwd\n      traefik.http.routers.web.rule: Host(`shop.example.org`) "
             "&& PathPrefix(`/`)\n"
             "    healthcheck: {test: [\"CMD\", \"wget\", \"-qO-\", \"http://localhost:8080/healthz\"], interval: "
             "10s}\n"
             "    volumes:\n      - ./conf/nginx.conf:/etc/nginx/nginx.conf:ro\n      - assets:/srv/assets\n      - "
             "/var/cache/nginx\n"
             "      - type: tmpfs\n        target: /tmp\n        tmpfs: {size: 64m}\n"
             "      - {type: volume, source: assets, target: /a}\n      - /srv/data/shop:/data\n"
             "    depends_on: {db: {condition: service_healthy}}\n    secrets: [key, {source: key, target: /k}]\n"
             "    network_mode: bridge\n"
             "  worker:\n    <<: [*app]\n    extends: {file: common/base.yml, service: worker}\n    pid: "
             "\"service:web\"\n"
             "  db:\n    image: postgres:17" +
             digest +
             "\n    volumes: [db:/var/lib/postgresql/data]\n    shm_size: 256m\n"
             "    environment: {POSTGRES_PASSWORD_FILE: /run/secrets/key}\n    networks: [back]\n"
             "secrets:\n  key: {file: ./conf/key}\n  other: {external: true}\n  from: {environment: KEY}\n"
             "configs:\n  c: {content: \"a=b\"}\nvolumes:\n  db:\n  assets: {driver: local}\n"
             "  share: {driver_opts: {type: nfs, o: \"addr=10.0.0.1,rw\", device: \":/export\"}}\n"
             "  ram: {driver_opts: {type: tmpfs, device: tmpfs, o: \"size=100m\"}}\n"
             "networks:\n  back: {internal: true}\n  proxy: {external: true, name: traefik}\n"},
        {"common/base.yml",
         "services:\n  worker:\n    env_file: ../conf/worker.env\n    volumes: [../conf:/conf:ro]\n    extends: "
         "nothing\n  nothing: {}\n"}};
    CHECK(why(Written(shop), "docker-compose.yml") == "");
    const std::map<std::string, std::string> modular = {
        {"app/compose.yaml",
         "include:\n  - infra/compose.yaml # https://example.org\n  - path: [monitor/a.yml, 'monitor/b.yml']\n    "
         "env_file: [.env]\n"
         "services:\n  web:\n    image: app" +
             digest +
             "\n    env_file:\n    - path: ./web.env\n      required: false\n      format: raw\n"
             "    label_file: web.labels\n    develop: {watch: [{path: ./src, action: sync, target: /src}]}\n"
             "    deploy: {resources: {limits: {cpus: '0.5', memory: 50M}, reservations: {devices: [{driver: nvidia, "
             "count: 1, capabilities: [gpu]}]}}}\n"},
        {"app/infra/compose.yaml",
         "services:\n  db:\n    image: db" + digest +
             "\n    env_file: ../db.env\n    volumes: [\"./init:/docker-entrypoint-initdb.d:ro\"]\n"},
        {"app/monitor/a.yml", "services: {p: {image: p" + digest + ", user: \"65534:65534\", read_only: true}}\n"},
        {"app/monitor/b.yml", "services:\n  p: !override\n    image: p" + digest + "\n    ports: !reset []\n"}};
    CHECK(why(Written(modular), "app/compose.yaml") == "");
    for (const std::string text : {
             "version: '2.4'\nservices:\n  web:\n    image: wrktalk-test@sha256:0\n    init: true\n    mem_limit: "
             "64m\n    volumes: [\"./page:/page:ro\"]\n",
             "web:\n  image: app@sha256:0\n  links: [db]\n  volumes: [\"./x:/x\", \"/anon\"]\n  env_file: .env\ndb:\n  "
             "image: db@sha256:0\n",
             "{\"services\": {\"web\": {\"image\": \"x@sha256:0\", \"env_file\": [\".env\"], \"command\": \"echo "
             "\\u2028 \\/ \\n\"}}}\n",
             "services:\n  web:\n    image: x@sha256:0\n    environment:\n      MOTD: |\n        env_file: "
             "/etc/passwd\n        include: [/etc]\n"
             "      JSON: '{\"env_file\": \"/etc/passwd\"}'\n",
             "services:\n  web:\n    image: ${REGISTRY}/x:${TAG}\n    volumes: [\"${DATA:-/srv/data}:/data\", "
             "\"$HOME:/h\"]\n    privileged: ${P:-false}\n",
             "services:\n  \xC3\xBC\xF0\x9F\x90\xB3:\n    image: x@sha256:0 # \xE2\x82\xAC\n",
             "services: {web: {image: x@sha256:0, env_file: , volumes: ~, extends: other}, other: null}\n",
         }) {
      CAPTURE(text);
      CHECK(why(one(text)) == "");
    }
  }

  TEST_CASE("what compose made of a release is judged with everything filled in") {
    Policy policy(Level::strict);
    policy.data_dirs = {"/srv/data"};
    policy.image_places = {"registry.example.org/"};
    const auto said = [&](const std::string& text, bool is_json) {
      try {
        policy::enforce(policy, Model(text, is_json).judge("/w/releases/1.0", policy));
      } catch (const base::Error& e) {
        return std::string(e.what());
      }
      return std::string();
    };
    CHECK(
        said(
            R"({"name":"p","services":{"web":{"image":"registry.example.org/a@sha256:0","privileged":false,"command":null,"volumes":[)"
            R"({"type":"bind","source":"/w/releases/1.0/conf","target":"/c","bind":{}},{"type":"bind","source":"/srv/data/x","target":"/d"},)"
            R"({"type":"volume","source":"v","target":"/v"}]}},"volumes":{"v":{"name":"p_v"}},"networks":{"default":{"name":"p_default"}}})",
            true) == "");
    CHECK(
        said(
            R"({"services":{"web":{"image":"a:1","privileged":true,"network_mode":"host","provider":{"type":"x"},"use_api_socket":true,)"
            R"("volumes":[{"type":"bind","source":"/w/releases/1.0.1/x","target":"/c"}]}},"secrets":{"k":{"file":"/etc/shadow"}}})",
            true) ==
        "the policy refuses this release: service web is privileged (privileged); "
        "service web shares a namespace with the host: network_mode: host (host_namespaces); "
        "service web mounts /w/releases/1.0.1/x, which lies outside the release (host_paths); "
        "service web uses the engine's socket (use_api_socket) (engine_socket); "
        "service web starts a program on this machine: provider x (host_programs); "
        "service web takes image a:1, which has no digest (unpinned_images); "
        "service web takes image a:1 from elsewhere (foreign_images); "
        "the secrets' k is the file /etc/shadow, which lies outside the release (host_paths)");
    CHECK(said("services:\n  web:\n    image: registry.example.org/a@sha256:0\n    volumes:\n    - /etc:/x:rw\n    - "
               "v:/v:rw\nversion: '3.8'\n",
               false) ==
          "the policy refuses this release: service web mounts /etc, which lies outside the release (host_paths)");
    CHECK_THROWS_AS(Model("{\"services\":", true), base::Error);
    CHECK_THROWS_AS(Model("services: [", false), base::Error);
    CHECK(Model(R"({"services":{"a":{"image":"x:1"},"b":{"image":"y"},"c":{"image":"x:1"},"d":{}}})", true).images() ==
          std::vector<std::string>{"x:1", "y"});
  }

  TEST_CASE("images that a service mounts are told, other mounts are not") {
    const Model model(R"({"services":{"a":{"image":"x:1","volumes":[{"type":"image","source":"data:1","target":"/d"},
                      {"type":"volume","source":"v","target":"/v"}]},"b":{"volumes":["/etc:/etc"]}}})",
                      true);
    CHECK(model.mounted_images() == std::vector<std::string>{"data:1"});
  }
}

TEST_SUITE("deploy::policy") {
  TEST_CASE("a level decides for every rule, a rule for itself") {
    const policy::Findings all = {
        {Rule::privileged, "a"}, {Rule::unpinned_images, "b"}, {Rule::privileged, "a"}, {Rule::host_paths, "c"}};
    CHECK(policy::enforce(Policy(Level::allow), all).empty());
    CHECK(policy::enforce(Policy(Level::warn), all) == std::vector<std::string>{"a (privileged)", "c (host_paths)"});
    CHECK_THROWS_WITH_AS(policy::enforce(Policy(Level::strict), all),
                         "the policy refuses this release: a (privileged); b (unpinned_images); c (host_paths)",
                         base::Error);
    Policy mixed(Level::strict);
    mixed.set(Rule::privileged, policy::Action::warn);
    mixed.set(Rule::unpinned_images, policy::Action::allow);
    CHECK_THROWS_WITH_AS(policy::enforce(mixed, all), "the policy refuses this release: c (host_paths)", base::Error);
    mixed.set(Rule::host_paths, policy::Action::allow);
    CHECK(policy::enforce(mixed, all) == std::vector<std::string>{"a (privileged)"});
    CHECK_THROWS_AS(policy::enforce(Policy(Level::warn), {{Rule::host_programs, "x"}}), base::Error);
    try {
      policy::enforce(Policy(Level::strict), all);
    } catch (const base::Error& e) {
      CHECK(e.hint() ==
            "if the release is trusted to do that, set WRKTALK_AGENT_POLICY_PRIVILEGED=warn and "
            "WRKTALK_AGENT_POLICY_HOST_PATHS=warn and WRKTALK_AGENT_POLICY_UNPINNED_IMAGES=warn");
    }
  }

  TEST_CASE("many findings are told in a few lines") {
    policy::Findings many;
    for (int i = 0; i < 100; ++i) many.push_back({Rule::devices, std::to_string(i)});
    const auto warnings = policy::enforce(Policy(), many);
    CHECK(warnings.size() == policy::kMostWarnings);
    CHECK(warnings.back() == "and 81 more");
  }
}
