/* A cell of the console that holds yes or no, changed in its place. Flask-Admin's script would draw an icon that has no name, and reads
   the choices by running them as a script, which the content policy forbids. */
"use strict";

$(() => $("[data-role=yes-or-no]").each((_place, element) => {
  const { yes, no, csrf } = element.dataset;
  $(element).editable({
    source: [{ value: "1", text: yes }, { value: "", text: no }],
    params: ({ pk, name, value }) => ({ list_form_pk: pk, [name]: value, csrf_token: csrf }),
  });
}));
