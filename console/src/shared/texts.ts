/** Every sentence and label of the shell, in one place for whoever translates it. */
export const texts = {
  product: "Bursar",
  skipToContent: "Skip to content",
  titleOf: (page: string) => `${page} · Bursar`,

  roles: {
    super_admin: "Super admin",
    tenant_admin: "Tenant admin",
    admin: "Admin",
    member: "Member",
  },

  navigation: {
    label: "Main",
    open: "Open navigation",
    close: "Close navigation",
    sections: {
      console: "Console",
      space: "Space Manage",
      finance: "FINANCE",
      personal: "Personal Center",
      platform: "Platform",
    },
    entries: {
      dashboard: "Dashboard",
      tokens: "Token Management",
      usage: "Usage Logs",
      tasks: "Task Logs",
      balance: "Balance Management",
      members: "User Management",
      allocations: "Credits & Allocations",
      costs: "Cost Tracking",
      personal: "Credits Management",
      tenants: "Tenants",
      codes: "Redemption Codes",
    },
    tabs: {
      users: "Users",
      aiCredits: "AI Credits",
      overview: "Overview",
      allocations: "Allocations",
      requests: "Requests",
      settings: "Settings",
    },
  },

  search: {
    open: "Search",
    label: "Go to a page or run a command",
    placeholder: "Go to…",
    pages: "Go to",
    commands: "Commands",
    nothing: "No page or command has that name.",
  },

  person: {
    menu: (name: string) => `Account of ${name}`,
    remaining: "Remaining",
    unit: "credits",
    toDark: "Switch to the dark theme",
    toLight: "Switch to the light theme",
    help: "Help and contact",
    signOut: "Sign out",
    signOutFailed: "You are still signed in",
  },

  help: {
    title: "Help and contact",
    contactTitle: "Whom to ask",
    contact: {
      super_admin: "You run this installation. Its log names the request id of anything that went wrong.",
      tenant_admin:
        "Ask the people who run this installation of Bursar, and give them the request id that an error shows.",
      admin: "Ask the tenant admin of your organisation about settings, purchases and deleted accounts.",
      member: "Ask an admin of your organisation about credits and about your account.",
    },
    adviceTitle: "Before credits are moved",
    advice: "Check the amount and the person before you confirm. Plan by budget and real use, not by guess.",
    keysTitle: "Keys",
    keys: { search: "Go to a page", close: "Close what is open" },
  },

  signIn: {
    title: "Sign in to Bursar",
    intro: "The office for your organisation's AI credits.",
    ended: "Your session has ended. Sign in again to go on where you were.",
    name: "Username or email",
    nameMissing: "Enter your username or your email.",
    password: "Password",
    passwordMissing: "Enter your password.",
    showPassword: "Show or hide the password",
    submit: "Sign in",
    failed: "Sign-in failed",
    noAccount: "No account yet? An admin of your organisation can create one for you.",
  },

  errors: {
    loadTitle: "This could not be loaded",
    startTitle: "Bursar could not be started",
    retry: "Retry",
    requestId: (id: string) => `Request id ${id}`,
    close: "Close",
  },

  notPermitted: {
    title: "Not permitted",
    summary: "This page is not open to you",
    text: (role: string) => `Your role, ${role}, may not use it. If you need it for your work, ask an admin.`,
    action: "Go to your start page",
  },

  notFound: {
    title: "Page not found",
    summary: "There is no page at this address",
    text: "It may have been mistyped, or what it showed is gone.",
    action: "Go to your start page",
  },

  nothingMatches: { title: "Nothing matches", clear: "Clear filters" },

  pages: {
    dashboard: {
      title: "Nothing here yet",
      text: "Your remaining credits, recent calls and open requests will be shown here once you have made a first call with an API key of your own.",
      action: "Go to Token Management",
    },
    tokens: {
      title: "Nothing here yet",
      text: "The keys that let your programs call models will be listed here; the first thing to do is to create one for your first program.",
    },
    usage: {
      title: "Nothing here yet",
      text: "Each model call will be listed here with its tokens and its credits, beginning with the first one made with an API key.",
      action: "Go to Token Management",
    },
    dashboardOfOperator: {
      title: "Nothing here yet",
      text: "Your own recent activity will be shown here; the first thing to do is to create a tenant.",
      action: "Go to Tenants",
    },
    usageOfOperator: {
      title: "Nothing here yet",
      text: "Each model call of every tenant will be listed here with its tokens and its credits, as soon as a tenant's people make calls.",
      action: "Go to Tenants",
    },
    tasks: {
      title: "Nothing here yet",
      text: "Work that takes longer than a page, such as imports, exports and large batches, will be shown here from the moment you start some.",
    },
    balance: {
      title: "Nothing here yet",
      text: "The organisation balance and every movement of it will be shown here; the first thing to do is to bring credits in, by purchase or with a redemption code.",
    },
    members: {
      title: "Nothing here yet",
      text: "Everyone in your organisation will be listed here with status, role and credits; the first thing to do is to add a user.",
    },
    aiCredits: {
      title: "Nothing here yet",
      text: "What was assigned, consumed and remains will be shown here for each user; the first thing to do is to assign credits to one.",
    },
    overview: {
      title: "Nothing here yet",
      text: "The current cycle and what each group has used of it will be shown here; the first thing to do is to set the credits per cycle.",
      action: "Go to Settings",
    },
    allocations: {
      title: "Nothing here yet",
      text: "The monthly budget of every group and member will be shown here; the first thing to do is to give the Default group its budget.",
    },
    requests: {
      title: "Nothing here yet",
      text: "When members ask for more credits their requests will be listed here; the first thing to do is to approve or deny the oldest.",
    },
    settings: {
      title: "Nothing here yet",
      text: "Credits per cycle, cadence, credit factor and signup credits will be set here; begin with the credits per cycle.",
    },
    costs: {
      title: "Nothing here yet",
      text: "Dollars and credits by day, model, member and group will be shown here once calls have been made.",
      action: "Go to Usage Logs",
    },
    personal: {
      title: "Nothing here yet",
      text: "Your total, what remains and every movement of your credits will be shown here, beginning with the first allocation that you are given.",
    },
    tenants: {
      title: "Nothing here yet",
      text: "Every organisation on this installation will be listed here with its admin and its credits; the first thing to do is to create one.",
    },
    codes: {
      title: "Nothing here yet",
      text: "Codes that bring credits into a tenant's balance will be listed here with their value and state; the first thing to do is to issue one.",
    },
  },
} as const;
