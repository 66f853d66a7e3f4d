// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/compose_model.hpp"

#include "core/base/text.hpp"
#include "core/deploy/compose_references.hpp"

#include <algorithm>

namespace wrktalk::deploy::compose {
namespace {

using policy::Rule;
using yaml::Node;
using Place = Reading::Place;

bool is_computed(const std::string& text) { return text.find('$') != std::string::npos; }

bool is_path(const std::string& source) {
  return !source.empty() && (source.front() == '/' || source.front() == '.' || source.front() == '~');
}

/// Docker's own are given as names; everything that is not surely one of them is looked at.
bool is_remote(const std::string& context) {
  return context.find("://") != std::string::npos || base::starts_with(context, "git@") ||
         base::starts_with(context, "github.com/") || base::starts_with(context, "service:") ||
         base::starts_with(context, "target:");
}

class Judge {
 public:
  Judge(const Reading& reading, const policy::Policy& policy) : reading_(reading), policy_(policy) {}

  policy::Findings all(const Node& root) {
    for (const auto& [name, service] : services(root)) {
      if (service->is_mapping()) one_service("service " + base::one_line(name->text), *service);
    }
    for (const char* section : {"secrets", "configs"}) {
      each(root, section, [&](const std::string& name, const Node& value) {
        each_scalar(value, "file", [&](const Node& file) {
          host_path("the " + std::string(section) + "' " + name, file, "is the file");
        });
      });
    }
    each(root, "volumes", [&](const std::string& name, const Node& value) { volume("the volume " + name, value); });
    each(root, "networks", [&](const std::string& name, const Node& value) { network(name, value); });
    for (const Node* models : root.values("models")) {
      if (!models->is_null()) add(Rule::host_programs, *models, "it asks Docker's model runner for models");
    }
    return std::move(out_);
  }

 private:
  void add(Rule rule, const Node& where, const std::string& text) { out_.push_back({rule, reading_.at(where) + text}); }

  template <typename Act>
  static void each(const Node& root, const char* section, Act act) {
    for (const Node* value : root.values(section)) {
      for (const auto& [name, item] : value->entries()) act(base::one_line(name->text), *item);
    }
  }

  template <typename Act>
  static void each_scalar(const Node& map, const char* key, Act act) {
    for (const Node* value : map.values(key)) {
      for (const Node* one : scalars(*value)) act(*one);
    }
  }

  void one_service(const std::string& who, const Node& service) {
    privileges(who, service);
    namespaces(who, service);
    for (const char* hook : {"post_start", "pre_stop"}) {
      for (const Node* hooks : service.values(hook)) {
        for (const Node* one : hooks->items) {
          if (is_set(*one, "privileged")) add(Rule::privileged, *one, who + " has a privileged " + hook + " command");
        }
      }
    }
    for (const Node* volumes : service.values("volumes")) {
      for (const Node* one : volumes->items) mount(who, *one);
    }
    each_scalar(service, "volumes_from", [&](const Node& from) {
      if (base::starts_with(from.text, "container:"))
        add(Rule::host_paths, from, who + " takes the volumes of " + base::one_line(from.text));
    });
    if (is_set(service, "use_api_socket")) {
      add(Rule::engine_socket, *service.values("use_api_socket").front(),
          who + " uses the engine's socket (use_api_socket)");
    }
    for (const Node* provider : service.values("provider")) {
      if (provider->is_null()) continue;
      add(Rule::host_programs, *provider,
          who + " starts a program on this machine: provider " + base::one_line(provider->text_of("type")));
    }
    for (const Node* spec : service.values("credential_spec")) {
      each_scalar(*spec, "file", [&](const Node& file) { host_path(who, file, "takes its credentials from"); });
    }
    const auto builds = service.values("build");
    for (const Node* build : builds) one_build(who, *build);
    each_scalar(service, "image", [&](const Node& image) { of_image(who, image, !builds.empty()); });
  }

  void privileges(const std::string& who, const Node& service) {
    if (is_set(service, "privileged"))
      add(Rule::privileged, *service.values("privileged").front(), who + " is privileged");
    each_scalar(service, "security_opt", [&](const Node& option) {
      const std::string& text = option.text;
      if (text.find("unconfined") == std::string::npos && !base::starts_with(text, "label:disable") &&
          !base::starts_with(text, "label=disable"))
        return;
      add(Rule::privileged, option, who + " runs unconfined: " + base::one_line(text));
    });
    each_scalar(service, "cap_add", [&](const Node& capability) {
      if (is_computed(capability.text) || !policy::is_dangerous_capability(capability.text)) return;
      add(Rule::capabilities, capability, who + " gets the capability " + base::one_line(capability.text));
    });
    for (const char* key : {"devices", "device_cgroup_rules"}) {
      for (const Node* devices : service.values(key)) {
        for (const Node* one : devices->items) {
          const std::string named = one->is_scalar() ? one->text : one->text_of("source");
          add(Rule::devices, *one, who + " gets the device " + base::one_line(named));
        }
      }
    }
  }

  void namespaces(const std::string& who, const Node& service) {
    for (const char* key : {"pid", "ipc", "uts", "userns_mode", "cgroup", "network_mode", "net"}) {
      each_scalar(service, key, [&](const Node& value) {
        const bool of_another = base::starts_with(value.text, "container:");
        if (value.text != "host" && !of_another) return;
        add(Rule::host_namespaces, value,
            who + (of_another ? " joins the namespace of " : " shares a namespace with the host: ") + key + ": " +
                base::one_line(value.text));
      });
    }
  }

  void one_build(const std::string& who, const Node& build) {
    if (build.is_null()) return;
    add(Rule::builds, build,
        who + " is built on this machine, instead of naming an image that was built and pushed before");
    if (build.is_scalar()) context(who, build);
    each_scalar(build, "context", [&](const Node& one) { context(who, one); });
    each_scalar(build, "network", [&](const Node& one) {
      if (one.text == "host") add(Rule::host_namespaces, one, who + " is built in the host's network");
    });
    if (is_set(build, "privileged")) add(Rule::privileged, build, who + " is built privileged");
    each_scalar(build, "entitlements", [&](const Node& one) {
      add(Rule::privileged, one, who + " is built with " + base::one_line(one.text));
    });
    for (const Node* more : build.values("additional_contexts")) {
      for (const auto& [name, value] : more->entries()) context(who, *value);
      for (const Node* item : more->items) {
        Node named = *item;
        named.text = item->text.substr(std::min(item->text.size(), item->text.find('=') + 1));
        context(who, named);
      }
    }
  }

  void context(const std::string& who, const Node& where) {
    if (where.is_scalar() && !is_remote(where.text)) host_path(who, where, "is built from");
  }

  /// `SOURCE:TARGET:MODE`, or a mapping.
  void mount(const std::string& who, const Node& volume) {
    if (volume.is_mapping()) {
      const bool is_bind = volume.text_of("type") == "bind";
      each_scalar(volume, "source", [&](const Node& source) {
        if (is_bind || is_path(source.text)) host_path(who, source, "mounts");
      });
      return;
    }
    if (is_computed(volume.text) || volume.text.find(':') == std::string::npos) return;
    Node source = volume;
    source.text = volume.text.substr(0, volume.text.find(':'));
    if (is_path(source.text)) host_path(who, source, "mounts");
  }

  /// The local driver mounts whatever it is told.
  void volume(const std::string& who, const Node& volume) {
    for (const Node* options : volume.values("driver_opts")) {
      const std::string type = options->text_of("type");
      const std::string how = options->text_of("o");
      const auto flags = base::split(how, ',');
      const bool is_bind =
          std::any_of(flags.begin(), flags.end(), [](const auto& flag) { return flag == "bind" || flag == "rbind"; });
      const bool is_harmless = !is_bind && (type == "tmpfs" || type == "nfs" || type == "nfs4" || type == "cifs");
      each_scalar(*options, "device", [&](const Node& device) {
        if (!is_harmless) host_path(who, device, "is a mount of");
      });
      if (how.find("lowerdir") != std::string::npos)
        add(Rule::host_paths, *options, who + " is a mount of folders of the host: " + base::one_line(how));
    }
  }

  void network(const std::string& key, const Node& network) {
    std::vector<std::string> names = {network.text_of("name"), network.text_of("driver")};
    for (const Node* external : network.values("external")) {
      names.push_back(external->text_of("name"));
      if (external->is_true()) names.push_back(key);
    }
    if (std::find(names.begin(), names.end(), "host") != names.end())
      add(Rule::host_namespaces, network, "the network " + key + " is the host's");
  }

  void host_path(const std::string& who, const Node& where, const std::string& verb) {
    const std::string& path = where.text;
    const Place place = reading_.place(path);
    if (place == Place::unknown) return;
    const std::string text = who + " " + verb + " " + base::one_line(path);
    const std::string goal = reading_.goal(path);
    const bool is_socket = policy::is_engine_socket(path) || policy::is_engine_socket(goal);
    if (is_socket || policy::holds_engine_socket(goal))
      add(Rule::engine_socket, where, text + ", which gives it the container engine");
    if (place == Place::outside && !is_socket) add(Rule::host_paths, where, text + ", which lies outside the release");
  }

  void of_image(const std::string& who, const Node& image, bool is_built) {
    if (is_computed(image.text)) return;
    policy::Findings found;
    policy::judge_image(policy_, reading_.at(image) + who, image.text, found);
    for (auto& one : found) {
      if (!is_built || one.rule != Rule::unpinned_images) out_.push_back(std::move(one));
    }
  }

  static bool is_set(const Node& map, const char* key) {
    const auto values = map.values(key);
    return std::any_of(values.begin(), values.end(), [](const Node* value) { return value->is_true(); });
  }

  const Reading& reading_;
  const policy::Policy& policy_;
  policy::Findings out_;
};

}  // namespace

policy::Findings judge_model(const Node& root, const Reading& reading, const policy::Policy& policy) {
  return Judge(reading, policy).all(root);
}

}  // namespace wrktalk::deploy::compose
