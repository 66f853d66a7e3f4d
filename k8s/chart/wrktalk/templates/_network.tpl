{{- /* One rule of egress: a dict of rule (ports, to) and perhaps protocols. */}}
{{- define "wrktalk.network.rule" -}}
- ports:
    {{- range $protocol := .protocols | default (list "TCP") }}
    {{- range $.rule.ports }}
    - {protocol: {{ $protocol }}, port: {{ . }}}
    {{- end }}
    {{- end }}
  {{- with .rule.to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{- /* Ends with an error when the pods are told to use a port that they may not reach: a dict of policy, service, setting and port. */}}
{{- define "wrktalk.network.allow" -}}
{{- $allowed := list }}
{{- range (index .policy .service).ports }}{{ $allowed = append $allowed (toString (int .)) }}{{ end }}
{{- if not (has .port $allowed) }}
{{- fail (printf "%s names port %s, and networkPolicy.%s.ports does not: the pods could not reach it" .setting .port .service) }}
{{- end }}
{{- end }}
